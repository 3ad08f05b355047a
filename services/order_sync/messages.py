"""The RPCs of messages and subscriptions, except StreamMessages and ReplayMessages."""

import math
from collections.abc import AsyncGenerator
from typing import Any

from nationalsite.ordersync import v1 as protos

from services.handler import Handler
from services.order_sync.message_codec import to_dead_proto, to_received_proto
from services.order_sync.times import limit_wait_s, to_optional_timestamp, to_seconds, to_timestamp
from services.server import current_caller
from services.store import (
    DeadLetters,
    MessageDispatcher,
    Subscription,
    SubscriptionName,
    Subscriptions,
    SubscriptionSpec,
    parse_ack_ids,
)

DEFAULT_LEASE_S = 60.0
DEFAULT_WAIT_S = 10.0
DEFAULT_MAX_MESSAGES = 100


class MessageHandlers:
    """Handlers of the RPCs of messages and subscriptions."""

    def __init__(
        self, dispatcher: MessageDispatcher, subscriptions: Subscriptions, dead_letters: DeadLetters
    ) -> None:
        self._dispatcher = dispatcher
        self._subscriptions = subscriptions
        self._dead_letters = dead_letters

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC."""
        return {
            "PullMessages": self.pull_messages,
            "AckMessages": self.ack_messages,
            "SetMessageLease": self.set_message_lease,
            "GetSubscription": self.get_subscription,
            "ListSubscriptions": self.list_subscriptions,
            "DeleteSubscription": self.delete_subscription,
            "ListDeadMessages": self.list_dead_messages,
            "RequeueMessages": self.requeue_messages,
        }

    async def pull_messages(
        self, request: protos.PullMessagesRequest, deadline: float
    ) -> AsyncGenerator[bytes, None]:
        """Lease available messages; wait if there are none. If the response is not sent, undo the lease."""
        subscription_id = await self._subscriptions.open(subscription_name(request), requested_spec(request))
        wait_s = to_seconds(request.wait) if request.HasField("wait") else DEFAULT_WAIT_S
        lease_s = to_seconds(request.lease) or DEFAULT_LEASE_S
        received = await self._dispatcher.lease(
            subscription_id,
            limit=request.max_messages or DEFAULT_MAX_MESSAGES,
            lease_s=lease_s,
            wait_s=limit_wait_s(wait_s, deadline),
            backfill_wait_s=limit_wait_s(math.inf, deadline),
        )
        is_sent = False
        try:
            yield protos.PullMessagesResponse(
                received_messages=map(to_received_proto, received)
            ).SerializeToString()
            is_sent = True
        finally:
            if not is_sent:
                ack_ids = [each.ack_id for each in received]
                await self._dispatcher.undo_lease(subscription_id, ack_ids, within_s=lease_s)

    async def ack_messages(self, request: protos.AckMessagesRequest, deadline: float) -> bytes:
        """Acknowledge messages."""
        subscription_id = await self._subscriptions.get_id(subscription_name(request))
        ack_ids = parse_ack_ids(request.ack_ids, subscription_id)
        lapsed = await self._dispatcher.ack(subscription_id, ack_ids)
        return protos.AckMessagesResponse(lapsed_ack_ids=map(str, lapsed)).SerializeToString()

    async def set_message_lease(self, request: protos.SetMessageLeaseRequest, deadline: float) -> bytes:
        """Extend or end leases."""
        subscription_id = await self._subscriptions.get_id(subscription_name(request))
        ack_ids = parse_ack_ids(request.ack_ids, subscription_id)
        lapsed = await self._dispatcher.set_lease(subscription_id, ack_ids, to_seconds(request.lease))
        return protos.SetMessageLeaseResponse(lapsed_ack_ids=map(str, lapsed)).SerializeToString()

    async def get_subscription(self, request: protos.GetSubscriptionRequest, deadline: float) -> bytes:
        """Return a subscription of the caller."""
        subscription = await self._subscriptions.get(subscription_name(request))
        return protos.GetSubscriptionResponse(subscription=_to_proto(subscription)).SerializeToString()

    async def list_subscriptions(self, request: protos.ListSubscriptionsRequest, deadline: float) -> bytes:
        """List the caller's subscriptions."""
        page = await self._subscriptions.list(
            current_caller().identity, request.page_size, request.page_token
        )
        return protos.ListSubscriptionsResponse(
            subscriptions=map(_to_proto, page.items), next_page_token=page.next_page_token
        ).SerializeToString()

    async def delete_subscription(self, request: protos.DeleteSubscriptionRequest, deadline: float) -> bytes:
        """Delete a subscription with its backlog."""
        await self._subscriptions.delete(subscription_name(request))
        return b""

    async def list_dead_messages(self, request: protos.ListDeadMessagesRequest, deadline: float) -> bytes:
        """List dead-lettered messages."""
        subscription_id = await self._subscriptions.get_id(subscription_name(request))
        page = await self._dead_letters.list(subscription_id, request.page_size, request.page_token)
        return protos.ListDeadMessagesResponse(
            dead_messages=map(to_dead_proto, page.items), next_page_token=page.next_page_token
        ).SerializeToString()

    async def requeue_messages(self, request: protos.RequeueMessagesRequest, deadline: float) -> bytes:
        """Make dead-lettered messages available again."""
        subscription_id = await self._subscriptions.get_id(subscription_name(request))
        count = await self._dead_letters.requeue(subscription_id, request.message_ids)
        return protos.RequeueMessagesResponse(requeued=count).SerializeToString()


def subscription_name(request: Any) -> SubscriptionName:
    """Return the subscription that the request names, with the caller as its owner."""
    return SubscriptionName(caller=current_caller().identity, name=request.subscription)


def requested_spec(request: Any) -> SubscriptionSpec | None:
    """Return how to create the subscription that the request names; None: it has to exist."""
    if not request.HasField("create_if_missing"):
        return None
    spec = request.create_if_missing
    return SubscriptionSpec(
        topics=spec.topics,
        start_time_ms=spec.start_time.ToMilliseconds() if spec.HasField("start_time") else None,
    )


def _to_proto(subscription: Subscription) -> protos.Subscription:
    return protos.Subscription(
        subscription=subscription.name,
        topics=subscription.topics,
        create_time=to_timestamp(subscription.create_time_ms),
        backlog=subscription.backlog,
        oldest_message_time=to_optional_timestamp(subscription.oldest_event_time_ms),
        dead_messages=subscription.dead_messages,
    )
