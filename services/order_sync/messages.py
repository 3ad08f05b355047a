"""The RPCs of messages, save the stream and the replay."""

import asyncio
from typing import Any

from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos

from services.handler import Handler
from services.order_sync.deliveries import moment_if, to_timestamp
from services.order_sync.message_codec import to_proto
from services.server import current_caller
from services.store import DeadLetters, MessageDispatcher, SubscriptionName, Subscriptions

DEFAULT_LEASE_S = 60.0
DEFAULT_WAIT_S = 10.0
DEFAULT_MESSAGES = 100
RESPONSE_MARGIN_S = 0.25
"""What a pull leaves of its deadline for the answer to arrive."""


class MessageHandlers:
    """Hand out, acknowledge, list."""

    def __init__(
        self, handout: MessageDispatcher, subscriptions: Subscriptions, dead_letters: DeadLetters
    ) -> None:
        self._handout = handout
        self._subscriptions = subscriptions
        self._dead_letters = dead_letters

    def functions(self) -> dict[str, Handler]:
        """Return them by RPC."""
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
        """Hand out what is there; wait while there is nothing."""
        wait_s = seconds(request.wait) if request.HasField("wait") else DEFAULT_WAIT_S
        left_s = deadline - asyncio.get_running_loop().time() - RESPONSE_MARGIN_S
        messages = await self._handout.lease(
            subscription_of(request),
            most=request.max_messages or DEFAULT_MESSAGES,
            lease_s=seconds(request.lease) or DEFAULT_LEASE_S,
            wait_s=max(0.0, min(wait_s, left_s)),
            topics=request.topics,
            start_ms=start_ms(request),
        )
        return protos.PullMessagesResponse(messages=map(to_proto, messages)).SerializeToString()

    async def ack_messages(self, request: protos.AckMessagesRequest, deadline: float) -> bytes:
        """Acknowledge messages."""
        await self._handout.ack(subscription_of(request), request.message_ids)
        return b""

    async def set_message_lease(self, request: protos.SetMessageLeaseRequest, deadline: float) -> bytes:
        """Let leases end at another time."""
        await self._handout.set_lease(subscription_of(request), request.message_ids, seconds(request.lease))
        return b""

    async def list_subscriptions(self, request: protos.ListSubscriptionsRequest, deadline: float) -> bytes:
        """List the caller's subscriptions."""
        found = await self._subscriptions.list(current_caller().identity)
        return protos.ListSubscriptionsResponse(
            subscriptions=[
                protos.Subscription(
                    subscription=each.name,
                    topics=each.topics,
                    create_time=to_timestamp(each.create_ms),
                    backlog=each.backlog,
                    oldest_message_time=moment_if(each.oldest_born_ms),
                    dead_messages=each.dead_messages,
                )
                for each in found
            ]
        ).SerializeToString()

    async def delete_subscription(self, request: protos.DeleteSubscriptionRequest, deadline: float) -> bytes:
        """Delete a subscription with its backlog."""
        await self._subscriptions.delete(subscription_of(request))
        return b""

    async def list_dead_messages(self, request: protos.ListDeadMessagesRequest, deadline: float) -> bytes:
        """List what was handed out too often."""
        page = await self._dead_letters.list(subscription_of(request), request.page_size, request.page_token)
        return protos.ListDeadMessagesResponse(
            messages=map(to_proto, page.items), next_page_token=page.next_page_token
        ).SerializeToString()

    async def requeue_messages(self, request: protos.RequeueMessagesRequest, deadline: float) -> bytes:
        """Hand dead messages out again."""
        count = await self._dead_letters.requeue(subscription_of(request), request.message_ids)
        return protos.RequeueMessagesResponse(requeued=count).SerializeToString()


def subscription_of(request: Any) -> SubscriptionName:
    """Return the subscription that a request names: one of its caller's own."""
    return SubscriptionName(caller=current_caller().identity, name=request.subscription)


def start_ms(request: Any) -> int | None:
    """Return from when on a new subscription wants messages; None: from now on."""
    return request.start_time.ToMilliseconds() if request.HasField("start_time") else None


def seconds(duration: Duration) -> float:
    """Return a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9
