"""A constant load of reads, writes and streams, and its outcome."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from nationalsite.ordersync import v1 as orders
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.mesh.requests import TIMEOUT_S
from tests.support.consumers import FROM_START
from tests.support.status_details import summarize_error

LEASE_S = 600
"""Longer than a test, so that no message is redelivered because its lease ends."""

BuildRequest = Callable[[int], Message]
"""Builds the request of the n-th call."""


@dataclass(slots=True)
class CallLoad:
    """Unary calls of one RPC at a constant rate."""

    name: str
    rpc: Callable[..., Awaitable[Message]]
    build_request: BuildRequest
    calls_per_s: float
    started: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """The failures by status and text."""

    async def run(self, stop: asyncio.Event) -> None:
        """Start calls until `stop` is set, and wait for the responses."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as running:
            for number in itertools.count():
                due = start + number / self.calls_per_s
                if await _wait_until_set(stop, due - loop.time()):
                    return
                self.started += 1
                running.create_task(self._call(number))

    async def _call(self, number: int) -> None:
        try:
            await self.rpc(self.build_request(number), timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            self.failed[f"{error.code().name} {error.details()}"] += 1

    def __str__(self) -> str:
        return f"{self.started} {self.name}"


@dataclass(slots=True)
class Consumer:
    """Receives messages of a subscription on a stream, and opens a new one when it ends."""

    stub: OrderSyncServiceStub
    subscription: str
    delivered: Counter[str] = field(default_factory=Counter)
    """Message id -> number of deliveries."""
    acked: set[str] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    """The ends of streams by reason."""

    async def run(self) -> None:
        """Consume until cancelled."""
        while True:
            try:
                await self._stream()
            except grpc.aio.AioRpcError as error:
                if "grpc-status-details-bin" not in dict(error.trailing_metadata() or ()):
                    self.ends[f"{error.code().name} {error.details()}"] += 1
                    await asyncio.sleep(0.1)
                    continue
                _, reason, delay_s = summarize_error(error)
                self.ends[reason] += 1
                await asyncio.sleep(delay_s or 0)

    async def _stream(self) -> None:
        call: Any = self.stub.StreamMessages()  # type: ignore[call-arg] # the stub is typed for blocking channels
        open_request = orders.StreamMessagesRequest.Open(
            subscription=self.subscription,
            create_if_missing=FROM_START,
            max_outstanding=20,
            lease=Duration(seconds=LEASE_S),
        )
        try:
            await call.write(orders.StreamMessagesRequest(open=open_request))
            while (response := await call.read()) is not grpc.aio.EOF:
                received = response.delivered.received_messages
                self.delivered.update(each.message.message_id for each in received)
                ack = orders.StreamMessagesRequest.Ack(ack_ids=[each.ack_id for each in received])
                await call.write(orders.StreamMessagesRequest(ack=ack))
                self.acked.update(each.message.message_id for each in received)
        except asyncio.InvalidStateError:
            await call.read()  # the call has ended: this raises its error
        finally:
            call.cancel()


async def _wait_until_set(event: asyncio.Event, seconds: float) -> bool:
    """Wait until an event is set, or the time is over; return whether it is set."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
    else:
        await asyncio.sleep(0)
    return event.is_set()
