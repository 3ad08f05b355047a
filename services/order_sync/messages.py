"""The RPCs of messages and subscriptions, except StreamMessages and ReplayMessages."""

import asyncio
from typing import Any

from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos

from services.handler import Handler
from services.order_sync.deliveries import to_optional_timestamp, to_timestamp
from services.order_sync.message_codec import to_proto
from services.server import current_caller
from services.store import DeadLetters, MessageDispatcher, SubscriptionName, Subscriptions

DEFAULT_LEASE_S = 60.0
DEFAULT_WAIT_S = 10.0
DEFAULT_MAX_MESSAGES = 100
RESPONSE_MARGIN_S = 0.25
"""A pull returns this long before its deadline, so that its response arrives in time."""


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
            "ListSubscriptions": self.list_subscriptions,
            "DeleteSubscription": self.delete_subscription,
            "ListDeadMessages": self.list_dead_messages,
            "RequeueMessages": self.requeue_messages,
        }

    async def pull_messages(self, request: protos.PullMessagesRequest, deadline: float) -> bytes:
        """Lease available messages; wait if there are none."""
        wait_s = to_seconds(request.wait) if request.HasField("wait") else DEFAULT_WAIT_S
        remaining_s = deadline - asyncio.get_running_loop().time() - RESPONSE_MARGIN_S
        messages = await self._dispatcher.lease(
            subscription_name(request),
            limit=request.max_messages or DEFAULT_MAX_MESSAGES,
            lease_s=to_seconds(request.lease) or DEFAULT_LEASE_S,
            wait_s=max(0.0, min(wait_s, remaining_s)),
            topics=request.topics,
            start_time_ms=requested_start_time_ms(request),
        )
        return protos.PullMessagesResponse(messages=map(to_proto, messages)).SerializeToString()

    async def ack_messages(self, request: protos.AckMessagesRequest, deadline: float) -> bytes:
        """Acknowledge messages."""
        await self._dispatcher.ack(subscription_name(request), request.message_ids)
        return b""

    async def set_message_lease(self, request: protos.SetMessageLeaseRequest, deadline: float) -> bytes:
        """Extend or end leases."""
        await self._dispatcher.set_lease(
            subscription_name(request), request.message_ids, to_seconds(request.lease)
        )
        return b""

    async def list_subscriptions(self, request: protos.ListSubscriptionsRequest, deadline: float) -> bytes:
        """List the caller's subscriptions."""
        subscriptions = await self._subscriptions.list(current_caller().identity)
        return protos.ListSubscriptionsResponse(
            subscriptions=[
                protos.Subscription(
                    subscription=subscription.name,
                    topics=subscription.topics,
                    create_time=to_timestamp(subscription.create_time_ms),
                    backlog=subscription.backlog,
                    oldest_message_time=to_optional_timestamp(subscription.oldest_event_time_ms),
                    dead_messages=subscription.dead_messages,
                )
                for subscription in subscriptions
            ]
        ).SerializeToString()

    async def delete_subscription(self, request: protos.DeleteSubscriptionRequest, deadline: float) -> bytes:
        """Delete a subscription with its backlog."""
        await self._subscriptions.delete(subscription_name(request))
        return b""

    async def list_dead_messages(self, request: protos.ListDeadMessagesRequest, deadline: float) -> bytes:
        """List dead-lettered messages."""
        page = await self._dead_letters.list(
            subscription_name(request), request.page_size, request.page_token
        )
        return protos.ListDeadMessagesResponse(
            messages=map(to_proto, page.items), next_page_token=page.next_page_token
        ).SerializeToString()

    async def requeue_messages(self, request: protos.RequeueMessagesRequest, deadline: float) -> bytes:
        """Make dead-lettered messages available again."""
        count = await self._dead_letters.requeue(subscription_name(request), request.message_ids)
        return protos.RequeueMessagesResponse(requeued=count).SerializeToString()


def subscription_name(request: Any) -> SubscriptionName:
    """Return the subscription that the request names, with the caller as its owner."""
    return SubscriptionName(caller=current_caller().identity, name=request.subscription)


def requested_start_time_ms(request: Any) -> int | None:
    """Return the start time of a new subscription; None: now."""
    return request.start_time.ToMilliseconds() if request.HasField("start_time") else None


def to_seconds(duration: Duration) -> float:
    """Convert a duration to seconds."""
    return duration.seconds + duration.nanos / 1e9
