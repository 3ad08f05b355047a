"""StreamMessages: one consumer of a subscription, for as long as its stream lasts."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from itertools import groupby

import structlog
from nationalsite.ordersync import v1 as protos

from services.errors import InvalidRequest, NationalsiteError, Violation
from services.order_sync.message_codec import to_proto
from services.order_sync.messages import DEFAULT_LEASE_S, DEFAULT_MESSAGES, seconds, start_ms, subscription_of
from services.store import Message, MessageDispatcher

BATCH_SIZE = 100
"""Messages that are fetched from the store at once."""
POLL_INTERVAL_S = 60.0
"""How long one look for messages waits; the stream then looks anew."""
MAX_PENDING_REQUESTS = 100
"""What a consumer may say ahead of what is done; the rest waits at its side."""
LINGER_S = 0.01
"""How long a free place waits for others: each look at the store costs a transaction."""

_log = structlog.get_logger()


class MessageStreams:
    """Answers StreamMessages."""

    def __init__(self, handout: MessageDispatcher) -> None:
        self._handout = handout

    async def stream_messages(
        self, requests: AsyncIterator[protos.StreamMessagesRequest], deadline: float
    ) -> AsyncGenerator[bytes, None]:
        """Hand out messages under leases; those that are not acknowledged are given back at the end."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("request") != "open":
            raise _invalid("open", "has to be the first request")
        consumer = _Consumer(self._handout, first.open)
        # What the consumer says is heard while messages are fetched and sent.
        listening = asyncio.create_task(consumer.listen(requests))
        try:
            async with aclosing(_fetched(consumer, listening)) as messages:
                async for message in messages:
                    yield protos.StreamMessagesResponse(message=to_proto(message)).SerializeToString()
        finally:
            listening.cancel()
            await asyncio.wait([listening])
            await consumer.give_back()


class _Consumer:
    """What is out on one stream."""

    def __init__(self, handout: MessageDispatcher, opened: protos.StreamMessagesRequest.Open) -> None:
        self._handout = handout
        self._opened = opened
        self._subscription = subscription_of(opened)
        self._most = opened.max_outstanding or DEFAULT_MESSAGES
        self._lease_s = seconds(opened.lease) or DEFAULT_LEASE_S
        self._out: dict[str, float] = {}
        """Ids of messages that are neither acknowledged nor given back, with the end of their leases."""
        self._changed = asyncio.Event()
        self._clock = asyncio.get_running_loop().time

    async def listen(self, requests: AsyncIterator[protos.StreamMessagesRequest]) -> None:
        """Do what the consumer asks for in its order, until it says no more; acks in a row go together."""
        async with aclosing(_batched(requests)) as batches:
            async for batch in batches:
                for kind, said in groupby(batch, lambda request: request.WhichOneof("request")):
                    match kind:
                        case "ack":
                            await self._ack([each for request in said for each in request.ack.message_ids])
                        case "set_lease":
                            for request in said:
                                await self._set_lease(request.set_lease)
                        case _:
                            raise _invalid("open", "must be the first request only")

    async def fetch(self) -> Sequence[Message]:
        """Return messages as soon as there are some and the consumer may have them."""
        while (free := self._most - len(self._out)) <= 0:
            self._changed.clear()
            first_end = min(self._out.values())
            try:
                async with asyncio.timeout_at(first_end):
                    await self._changed.wait()
            except TimeoutError:
                self._forget_ended()
        if free < min(self._most, BATCH_SIZE):
            await asyncio.sleep(LINGER_S)  # a consumer that acknowledges one by one frees more meanwhile
            free = self._most - len(self._out)
        messages: Sequence[Message] = await self._handout.lease(
            self._subscription,
            most=min(free, BATCH_SIZE),
            lease_s=self._lease_s,
            wait_s=POLL_INTERVAL_S,
            topics=self._opened.topics,
            start_ms=start_ms(self._opened),
        )
        ends = self._clock() + self._lease_s
        self._forget_ended()
        self._out |= {message.message_id: ends for message in messages}
        return messages

    async def give_back(self) -> None:
        """Let other consumers have what is still out; where that fails, the leases end by themselves."""
        if not self._out:
            return
        try:
            await self._handout.set_lease(self._subscription, list(self._out), 0)
        except NationalsiteError as error:
            _log.info("messages_not_given_back", reason=error.reason)

    async def _ack(self, message_ids: Sequence[str]) -> None:
        await self._handout.ack(self._subscription, message_ids)
        self._set(message_ids, 0.0)

    async def _set_lease(self, asked: protos.StreamMessagesRequest.SetLease) -> None:
        lease_s = seconds(asked.lease)
        await self._handout.set_lease(self._subscription, asked.message_ids, lease_s)
        self._set(asked.message_ids, lease_s)

    def _set(self, message_ids: Sequence[str], lease_s: float) -> None:
        for message_id in message_ids:
            if lease_s and message_id in self._out:
                self._out[message_id] = self._clock() + lease_s
            else:
                self._out.pop(message_id, None)
        self._changed.set()

    def _forget_ended(self) -> None:
        now = self._clock()
        self._out = {message_id: end for message_id, end in self._out.items() if end > now}


async def _batched(
    requests: AsyncIterator[protos.StreamMessagesRequest],
) -> AsyncGenerator[Sequence[protos.StreamMessagesRequest], None]:
    """Yield what has come since the last time: the first at once, others while it was dealt with."""
    said: asyncio.Queue[protos.StreamMessagesRequest | None] = asyncio.Queue()
    room = asyncio.Semaphore(MAX_PENDING_REQUESTS)

    async def hear() -> None:
        try:
            async for request in requests:
                await room.acquire()
                said.put_nowait(request)
        finally:
            said.put_nowait(None)  # what came before is still done

    hearing = asyncio.create_task(hear())
    try:
        ended = False
        while not ended:
            batch = [await said.get()]
            batch += [said.get_nowait() for _ in range(said.qsize())]
            ended = batch[-1] is None
            found = [request for request in batch if request is not None]
            for _ in found:
                room.release()
            yield found
        await hearing
    finally:
        hearing.cancel()
        await asyncio.wait([hearing])


async def _fetched(consumer: _Consumer, listening: "asyncio.Task[None]") -> AsyncGenerator[Message, None]:
    """Yield what the consumer may have, until it says no more; raise what went wrong with what it said."""
    fetching: asyncio.Task[Sequence[Message]] | None = None
    try:
        while not listening.done():
            fetching = asyncio.create_task(consumer.fetch())
            await asyncio.wait([listening, fetching], return_when=asyncio.FIRST_COMPLETED)
            for message in fetching.result() if fetching.done() else ():
                if listening.done():
                    break
                yield message
        listening.result()
    finally:
        if fetching is not None:
            fetching.cancel()
            await asyncio.wait([fetching])


def _invalid(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description)])
