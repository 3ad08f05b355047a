"""Leases messages with short defaults."""

from services.store import SubscriptionName
from tests.store.factories import NAME

OTHER_NAME = SubscriptionName(caller="shop", name="other")


async def lease(storage, name=NAME, *, limit=100, lease_s=30.0, wait_s=0.0, **subscription):
    return await storage.dispatcher.lease(name, limit=limit, lease_s=lease_s, wait_s=wait_s, **subscription)


def get_ids(messages):
    return [message.message_id for message in messages]
