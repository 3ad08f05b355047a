"""StreamMessages: delivers messages to one consumer until its stream ends."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from nationalsite.ordersync import v1 as protos

from services.errors import DeadlineExceededInFlight, InvalidRequest, Violation
from services.order_sync.bounded_queue import BoundedQueue
from services.order_sync.message_codec import to_received_proto
from services.order_sync.messages import (
    DEFAULT_LEASE_S,
    DEFAULT_MAX_MESSAGES,
    requested_spec,
    subscription_name,
)
from services.order_sync.times import to_seconds
from services.store import AckId, ReceivedMessage, Storage, parse_ack_ids

BATCH_SIZE = 100
"""Messages leased from the store in one transaction."""
POLL_INTERVAL_S = 60.0
"""Maximum wait of one poll for messages."""
MAX_PENDING = 100
"""Requests that wait or are executed, and responses. gRPC's flow control holds back further requests."""
MAX_PENDING_BYTES = 2**20
"""The size of these requests, and of these responses. A larger one waits until there is no other."""
MAX_LAPSED = 1000
"""Ack ids in one response."""
LINGER_S = 0.01
"""How long a few acknowledgements wait for others, and a small capacity for more, to share a transaction."""
EXPIRY_MARGIN_S = 0.02
"""A poll ends this long before the first lease of the stream does."""


class MessageStreams:
    """The handler of StreamMessages."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def stream_messages(
        self, requests: AsyncIterator[protos.StreamMessagesRequest], deadline: float
    ) -> AsyncGenerator[bytes, None]:
        """Deliver messages under leases; release those that are not acknowledged when the stream ends."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("request") != "open":
            raise _invalid("open", "must be the first request")
        subscription_id = await self._storage.subscriptions.open(
            subscription_name(first.open), requested_spec(first.open)
        )
        consumer = _Consumer(self._storage, subscription_id, first.open)
        consumer.start(requests)
        try:
            while responses := await consumer.responses.take(1):
                yield responses[0].SerializeToString()
                consumer.record_sent(responses[0])
            consumer.raise_failure()
        finally:
            # The call can be cancelled at any time, also while it ends.
            await self._storage.store.tasks.run(consumer.end())


class _Consumer:
    """The consumer of one stream, with the messages that are leased to it.

    Requests are received and executed while messages are leased and sent.
    """

    def __init__(
        self, storage: Storage, subscription_id: int, open_request: protos.StreamMessagesRequest.Open
    ) -> None:
        self._dispatcher = storage.dispatcher
        self._store_clock = storage.store.clock
        self._subscription_id = subscription_id
        self._max_outstanding = open_request.max_outstanding or DEFAULT_MAX_MESSAGES
        self._lease_s = to_seconds(open_request.lease) or DEFAULT_LEASE_S
        self._lease_ends: dict[AckId, float] = {}
        """Ack id -> end of its lease (loop time), for messages neither acknowledged nor released."""
        self._unsent: Sequence[AckId] = ()
        """The messages that were leased last, while their response is not sent."""
        self._clock = asyncio.get_running_loop().time
        self._last_expiry, self._last_request = -math.inf, self._clock()
        """When a lease of the stream expired, and when a request of the consumer was executed."""
        self._changed = asyncio.Event()
        self._requests: BoundedQueue[protos.StreamMessagesRequest] = _new_queue()
        self.responses: BoundedQueue[protos.StreamMessagesResponse] = _new_queue()
        """They end when the consumer has half-closed its stream, or something has failed."""
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @property
    def _capacity(self) -> int:
        """How many more messages the consumer takes."""
        return self._max_outstanding - len(self._lease_ends)

    def start(self, requests: AsyncIterator[protos.StreamMessagesRequest]) -> None:
        """Begin to receive and execute requests, and to lease messages."""
        receiving = asyncio.create_task(self._receive(requests))
        executing = asyncio.create_task(self._execute_requests())
        delivering = asyncio.create_task(self._deliver())
        self._tasks = (executing, receiving, delivering)
        receiving.add_done_callback(lambda _: self._requests.end())
        for task in (executing, delivering):
            task.add_done_callback(lambda _: self.responses.end())

    def raise_failure(self) -> None:
        """Raise the error that has ended the stream, if there is one."""
        for task in self._tasks:
            if task.done():
                task.result()

    def record_sent(self, response: protos.StreamMessagesResponse) -> None:
        """Record that the transport has taken a response."""
        if response.HasField("delivered"):
            self._unsent = ()

    async def end(self) -> None:
        """Execute the requests that were received, and release the messages that are still leased.

        Those that were not sent are released without counting as a delivery attempt.
        """
        _, receiving, delivering = self._tasks
        receiving.cancel()
        delivering.cancel()
        self.responses.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._dispatcher.undo_lease(self._subscription_id, self._unsent, within_s=self._lease_s)
        sent = [ack_id for ack_id in self._lease_ends if ack_id not in self._unsent]
        await self._dispatcher.release(self._subscription_id, sent, within_s=self._lease_s)

    async def _receive(self, requests: AsyncIterator[protos.StreamMessagesRequest]) -> None:
        async for request in requests:
            await self._requests.put(request)

    async def _execute_requests(self) -> None:
        """Execute the requests in order until the consumer half-closes; consecutive acks form one batch."""
        while batch := await self._take_requests():
            for kind, group in groupby(batch, lambda request: request.WhichOneof("request")):
                match kind:
                    case "ack":
                        await self._ack([request.ack for request in group])
                    case "set_lease":
                        for request in group:
                            await self._set_lease(request.set_lease)
                    case _:
                        raise _invalid("open", "must be the first request only")
            self._last_request = self._clock()
            self._changed.set()

    async def _take_requests(self) -> Sequence[protos.StreamMessagesRequest]:
        """Wait for requests. A consumer that acknowledges one message often acknowledges others soon."""
        wanted = min(len(self._lease_ends) // 2, MAX_PENDING)
        return await self._requests.take(MAX_PENDING, wanted=wanted, linger_s=LINGER_S)

    async def _deliver(self) -> None:
        """Lease messages and send them, as soon as there are some and the consumer takes them."""
        while True:
            await self._wait_for_capacity()
            received = await self._lease()
            if received:
                delivered = protos.StreamMessagesResponse.Delivered(
                    received_messages=map(to_received_proto, received)
                )
                await self.responses.put(protos.StreamMessagesResponse(delivered=delivered))
                await self.responses.join()  # lease no more until these are sent

    async def _wait_for_capacity(self) -> None:
        """Wait until the consumer can take another message.

        A consumer that lets a lease expire may be frozen. It gets no message before a request of it has been
        executed, which may be a late acknowledgement. If it sends none for as long as another lease, the
        stream ends.
        """
        while True:
            self._changed.clear()
            self._drop_expired()
            first_end = min(self._lease_ends.values(), default=math.inf)
            is_silent = self._last_expiry > self._last_request
            if is_silent:
                deadline = math.inf if self._requests.items else self._last_expiry + self._lease_s
            elif self._capacity > 0 and self._clock() < first_end - EXPIRY_MARGIN_S:
                return
            else:
                deadline = first_end
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                if is_silent and not self._requests.items:
                    raise DeadlineExceededInFlight(
                        "the consumer has sent nothing since the lease of a message ended"
                    ) from None

    async def _lease(self) -> Sequence[ReceivedMessage]:
        """Lease messages. Return none if a lease of the stream ends before there are some."""
        await self._linger()
        # Cut before an expiry: a poll would lease the expired message to the same consumer.
        poll_end = min(self._lease_ends.values(), default=math.inf) - EXPIRY_MARGIN_S
        try:
            async with asyncio.timeout_at(poll_end):
                received: Sequence[ReceivedMessage] = await self._dispatcher.lease(
                    self._subscription_id,
                    limit=min(self._capacity, BATCH_SIZE),
                    lease_s=self._lease_s,
                    wait_s=POLL_INTERVAL_S,
                )
        except TimeoutError:
            return ()
        self._unsent = [message.ack_id for message in received]
        now, now_ms = self._clock(), self._store_clock()
        self._lease_ends |= {
            message.ack_id: now + (message.lease_expire_time_ms - now_ms) / 1000 for message in received
        }
        return received

    async def _linger(self) -> None:
        """Allow acknowledgements to free more capacity, so that half a batch is leased at once."""
        wanted = min(self._max_outstanding, BATCH_SIZE) // 2
        if self._capacity >= wanted:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while self._capacity < wanted:
                    self._changed.clear()
                    await self._changed.wait()

    async def _ack(self, requests: Sequence[protos.StreamMessagesRequest.Ack]) -> None:
        """Acknowledge messages in one transaction. An invalid request fails after those before it."""
        ack_ids: list[AckId] = []
        invalid: InvalidRequest | None = None
        for request in requests:
            try:
                ack_ids += parse_ack_ids(request.ack_ids, self._subscription_id, "ack.ack_ids")
            except InvalidRequest as error:
                invalid = error
                break
        lapsed = await self._dispatcher.ack(self._subscription_id, ack_ids)
        self._update(ack_ids, None)
        await self._report_lapsed(lapsed)
        if invalid is not None:
            raise invalid

    async def _set_lease(self, request: protos.StreamMessagesRequest.SetLease) -> None:
        lease_s = to_seconds(request.lease)
        ack_ids = parse_ack_ids(request.ack_ids, self._subscription_id, "set_lease.ack_ids")
        now = self._clock()
        lapsed = await self._dispatcher.set_lease(self._subscription_id, ack_ids, lease_s)
        self._update(ack_ids, now + lease_s if lease_s else None)
        self._update(lapsed, None)
        await self._report_lapsed(lapsed)

    async def _report_lapsed(self, lapsed: Sequence[AckId]) -> None:
        for start in range(0, len(lapsed), MAX_LAPSED):
            ack_ids = map(str, lapsed[start : start + MAX_LAPSED])
            message = protos.StreamMessagesResponse.Lapsed(ack_ids=ack_ids)
            await self.responses.put(protos.StreamMessagesResponse(lapsed=message))

    def _update(self, ack_ids: Sequence[AckId], lease_end: float | None) -> None:
        """Record that leases end at another time, or (None) have ended."""
        for ack_id in ack_ids:
            if lease_end is not None and ack_id in self._lease_ends:
                self._lease_ends[ack_id] = lease_end
            else:
                self._lease_ends.pop(ack_id, None)
        self._changed.set()

    def _drop_expired(self) -> None:
        now = self._clock()
        for ack_id, end in tuple(self._lease_ends.items()):
            if end <= now:
                del self._lease_ends[ack_id]
                self._last_expiry = max(self._last_expiry, end)


def _new_queue() -> BoundedQueue[Any]:
    return BoundedQueue(lambda item: int(item.ByteSize()), max_items=MAX_PENDING, max_bytes=MAX_PENDING_BYTES)


def _invalid(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description, reason="STREAM_OPEN")])
