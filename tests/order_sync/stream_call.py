"""A call of StreamMessages without a network: the handler, its requests and its responses."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos

from services.order_sync.streaming import MessageStreams
from services.store import Storage


class StreamCall:
    """Runs the handler in a task, as gRPC does. Cancel the task to cancel the call."""

    def __init__(
        self, storage: Storage, subscription: str, *, lease_s: float = 600, **open_fields: Any
    ) -> None:
        self.received: list[protos.ReceivedMessage] = []
        self.lapsed: list[str] = []
        self.requests_read = 0
        self.may_write = asyncio.Event()
        """Cleared: the caller does not take responses."""
        self.may_write.set()
        self._is_broken = False
        self.arrived = asyncio.Event()
        """Set when a response arrives."""
        self._requests: asyncio.Queue[protos.StreamMessagesRequest | None] = asyncio.Queue()
        lease = Duration()
        lease.FromMilliseconds(round(lease_s * 1000))
        self.send(open={"subscription": subscription, "lease": lease} | open_fields)
        self.task = asyncio.create_task(self._run(MessageStreams(storage)))

    def send(self, **fields: Any) -> None:
        """Send a request."""
        self.send_request(protos.StreamMessagesRequest(**fields))

    def send_request(self, request: protos.StreamMessagesRequest) -> None:
        """Send a request."""
        self._requests.put_nowait(request)

    def ack(self, *received: protos.ReceivedMessage) -> None:
        """Acknowledge messages."""
        self.send(ack={"ack_ids": [each.ack_id for each in received]})

    def half_close(self) -> None:
        """Send no more requests: the handler reads EOF."""
        self._requests.put_nowait(None)

    def break_connection(self) -> None:
        """Lose the connection: the handler reads EOF, and the next write fails."""
        self._is_broken = True
        self.may_write.set()
        self.half_close()

    async def receive(self, count: int) -> list[protos.ReceivedMessage]:
        """Wait until this many messages have arrived in all; return them."""
        async with asyncio.timeout(10):
            while len(self.received) < count and not self.task.done():
                self.arrived.clear()
                await self.arrived.wait()
        return self.received

    async def _run(self, streams: MessageStreams) -> None:
        async with aclosing(streams.stream_messages(self._read(), math.inf)) as responses:
            async for text in responses:
                await self.may_write.wait()
                if self._is_broken:
                    raise asyncio.CancelledError
                response = protos.StreamMessagesResponse.FromString(text)
                self.received += response.delivered.received_messages
                self.lapsed += response.lapsed.ack_ids
                self.arrived.set()

    async def _read(self) -> AsyncIterator[protos.StreamMessagesRequest]:
        while (request := await self._requests.get()) is not None:
            self.requests_read += 1
            yield request
