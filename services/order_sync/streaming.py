"""StreamMessages: delivers messages to one consumer until its stream ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from itertools import groupby

import structlog
from nationalsite.ordersync import v1 as protos

from services.errors import InvalidRequest, NationalsiteError, Violation
from services.order_sync.message_codec import to_proto
from services.order_sync.messages import (
    DEFAULT_LEASE_S,
    DEFAULT_MAX_MESSAGES,
    requested_start_time_ms,
    subscription_name,
    to_seconds,
)
from services.store import Message, MessageDispatcher

BATCH_SIZE = 100
"""Messages leased from the store in one transaction."""
POLL_INTERVAL_S = 60.0
"""Maximum wait of one poll for messages."""
MAX_PENDING_REQUESTS = 100
"""Requests that are received but not executed; flow control holds back the others."""
LINGER_S = 0.01
"""Wait for more capacity before a poll that cannot fill a batch."""

_log = structlog.get_logger()


class MessageStreams:
    """The handler of StreamMessages."""

    def __init__(self, dispatcher: MessageDispatcher) -> None:
        self._dispatcher = dispatcher

    async def stream_messages(
        self, requests: AsyncIterator[protos.StreamMessagesRequest], deadline: float
    ) -> AsyncGenerator[bytes, None]:
        """Deliver messages under leases; release those that are not acknowledged when the stream ends."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("request") != "open":
            raise _invalid("open", "must be the first request")
        consumer = _Consumer(self._dispatcher, first.open)
        # Requests are executed while messages are fetched and sent.
        requests_task = asyncio.create_task(consumer.execute_requests(requests))
        try:
            async with aclosing(_fetch_messages(consumer, requests_task)) as messages:
                async for message in messages:
                    yield protos.StreamMessagesResponse(message=to_proto(message)).SerializeToString()
        finally:
            requests_task.cancel()
            await asyncio.wait([requests_task])
            await consumer.release_messages()


class _Consumer:
    """The messages leased to one stream."""

    def __init__(
        self, dispatcher: MessageDispatcher, open_request: protos.StreamMessagesRequest.Open
    ) -> None:
        self._dispatcher = dispatcher
        self._open_request = open_request
        self._subscription = subscription_name(open_request)
        self._max_outstanding = open_request.max_outstanding or DEFAULT_MAX_MESSAGES
        self._lease_s = to_seconds(open_request.lease) or DEFAULT_LEASE_S
        self._lease_ends: dict[str, float] = {}
        """Message id -> end of its lease (loop time), for messages neither acknowledged nor released."""
        self._changed = asyncio.Event()
        self._clock = asyncio.get_running_loop().time

    async def execute_requests(self, requests: AsyncIterator[protos.StreamMessagesRequest]) -> None:
        """Execute the consumer's requests in order until it half-closes; consecutive acks form one batch."""
        async with aclosing(_batched(requests)) as batches:
            async for batch in batches:
                for kind, group in groupby(batch, lambda request: request.WhichOneof("request")):
                    match kind:
                        case "ack":
                            await self._ack(
                                [message_id for request in group for message_id in request.ack.message_ids]
                            )
                        case "set_lease":
                            for request in group:
                                await self._set_lease(request.set_lease)
                        case _:
                            raise _invalid("open", "must be the first request only")

    async def fetch(self) -> Sequence[Message]:
        """Return messages as soon as there are some and the consumer has capacity."""
        while (capacity := self._max_outstanding - len(self._lease_ends)) <= 0:
            self._changed.clear()
            first_end = min(self._lease_ends.values())
            try:
                async with asyncio.timeout_at(first_end):
                    await self._changed.wait()
            except TimeoutError:
                self._drop_expired()
        if capacity < min(self._max_outstanding, BATCH_SIZE):
            await asyncio.sleep(LINGER_S)  # single acks may free more capacity in the meantime
            capacity = self._max_outstanding - len(self._lease_ends)
        messages: Sequence[Message] = await self._dispatcher.lease(
            self._subscription,
            limit=min(capacity, BATCH_SIZE),
            lease_s=self._lease_s,
            wait_s=POLL_INTERVAL_S,
            topics=self._open_request.topics,
            start_time_ms=requested_start_time_ms(self._open_request),
        )
        lease_end = self._clock() + self._lease_s
        self._drop_expired()
        self._lease_ends |= {message.message_id: lease_end for message in messages}
        return messages

    async def release_messages(self) -> None:
        """Release the leased messages for other consumers; if that fails, their leases expire."""
        if not self._lease_ends:
            return
        try:
            await self._dispatcher.set_lease(self._subscription, list(self._lease_ends), 0)
        except NationalsiteError as error:
            _log.info("messages_not_released", reason=error.reason)

    async def _ack(self, message_ids: Sequence[str]) -> None:
        await self._dispatcher.ack(self._subscription, message_ids)
        self._update(message_ids, 0.0)

    async def _set_lease(self, request: protos.StreamMessagesRequest.SetLease) -> None:
        lease_s = to_seconds(request.lease)
        await self._dispatcher.set_lease(self._subscription, request.message_ids, lease_s)
        self._update(request.message_ids, lease_s)

    def _update(self, message_ids: Sequence[str], lease_s: float) -> None:
        for message_id in message_ids:
            if lease_s and message_id in self._lease_ends:
                self._lease_ends[message_id] = self._clock() + lease_s
            else:
                self._lease_ends.pop(message_id, None)
        self._changed.set()

    def _drop_expired(self) -> None:
        now = self._clock()
        self._lease_ends = {message_id: end for message_id, end in self._lease_ends.items() if end > now}


async def _batched(
    requests: AsyncIterator[protos.StreamMessagesRequest],
) -> AsyncGenerator[Sequence[protos.StreamMessagesRequest], None]:
    """Yield the requests that arrived since the last batch, without waiting for more."""
    arrived: asyncio.Queue[protos.StreamMessagesRequest | None] = asyncio.Queue()
    capacity = asyncio.Semaphore(MAX_PENDING_REQUESTS)

    async def receive() -> None:
        try:
            async for request in requests:
                await capacity.acquire()
                arrived.put_nowait(request)
        finally:
            arrived.put_nowait(None)  # the requests before it are still executed

    receiving = asyncio.create_task(receive())
    try:
        ended = False
        while not ended:
            batch = [await arrived.get()]
            batch += [arrived.get_nowait() for _ in range(arrived.qsize())]
            ended = batch[-1] is None
            complete = [request for request in batch if request is not None]
            for _ in complete:
                capacity.release()
            yield complete
        await receiving
    finally:
        receiving.cancel()
        await asyncio.wait([receiving])


async def _fetch_messages(
    consumer: _Consumer, requests_task: "asyncio.Task[None]"
) -> AsyncGenerator[Message, None]:
    """Yield messages until the consumer half-closes. Raises the error of a request that failed."""
    fetching: asyncio.Task[Sequence[Message]] | None = None
    try:
        while not requests_task.done():
            fetching = asyncio.create_task(consumer.fetch())
            await asyncio.wait([requests_task, fetching], return_when=asyncio.FIRST_COMPLETED)
            for message in fetching.result() if fetching.done() else ():
                if requests_task.done():
                    break
                yield message
        requests_task.result()
    finally:
        if fetching is not None:
            fetching.cancel()
            await asyncio.wait([fetching])


def _invalid(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description)])
