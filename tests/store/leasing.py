"""Leases and acknowledges messages with short defaults."""

from services.store import SubscriptionName, SubscriptionSpec
from tests.store.factories import NAME

OTHER_NAME = SubscriptionName(caller="shop", name="other")


async def subscribe(storage, name=NAME, **spec):
    """Create a subscription if it is missing. Return its id."""
    return await storage.subscriptions.open(name, SubscriptionSpec(**spec))


async def lease(storage, name=NAME, *, limit=100, lease_s=30.0, wait_s=0.0):
    subscription_id = await storage.subscriptions.open(name)
    return await storage.dispatcher.lease(subscription_id, limit=limit, lease_s=lease_s, wait_s=wait_s)


async def ack(storage, received, name=NAME):
    """Acknowledge messages. Return the lapsed ack ids."""
    return await storage.dispatcher.ack(
        await storage.subscriptions.open(name), [each.ack_id for each in received]
    )


async def set_lease(storage, received, lease_s, name=NAME):
    """Change leases. Return the lapsed ack ids."""
    return await storage.dispatcher.set_lease(
        await storage.subscriptions.open(name), [each.ack_id for each in received], lease_s
    )


def get_ids(received):
    return [each.message.message_id for each in received]
