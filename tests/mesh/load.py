"""A steady load of reads, writes and streams, and what came of it."""

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

from tests.durability.calls import told
from tests.durability.consuming import FROM_THE_BEGINNING
from tests.mesh.asking import TIMEOUT_S

LEASE_S = 600
"""Nothing comes again by itself within a test."""

Ask = Callable[[int], Message]
"""The request of the n-th call."""


@dataclass(slots=True)
class Calls:
    """Unary calls of one RPC at a steady rate, however long each takes."""

    name: str
    rpc: Callable[..., Awaitable[Message]]
    ask: Ask
    per_s: float
    made: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """How calls failed, by status and text."""

    async def run(self, stop: asyncio.Event) -> None:
        """Call until told to stop, and wait for the answers."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as calling:
            for number in itertools.count():
                due = began + number / self.per_s
                if await _set_within(stop, due - loop.time()):
                    return
                self.made += 1
                calling.create_task(self._call(number))

    async def _call(self, number: int) -> None:
        try:
            await self.rpc(self.ask(number), timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            self.failed[f"{error.code().name} {error.details()}"] += 1

    def __str__(self) -> str:
        return f"{self.made} {self.name}"


@dataclass(slots=True)
class Consumer:
    """Takes messages of one subscription from a stream, and opens the next when it ends."""

    stub: OrderSyncServiceStub
    subscription: str
    handed: Counter[str] = field(default_factory=Counter)
    """How often each message came, by its id."""
    acked: set[str] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    """How streams ended, by reason."""

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
                _, reason, delay_s = told(error)
                self.ends[reason] += 1
                await asyncio.sleep(delay_s or 0)

    async def _stream(self) -> None:
        call: Any = self.stub.StreamMessages()  # type: ignore[call-arg] # the stub is typed for blocking channels
        opened = orders.StreamMessagesRequest.Open(
            subscription=self.subscription,
            start_time=FROM_THE_BEGINNING,
            max_outstanding=20,
            lease=Duration(seconds=LEASE_S),
        )
        try:
            await call.write(orders.StreamMessagesRequest(open=opened))
            while (response := await call.read()) is not grpc.aio.EOF:
                message_id = response.message.message_id
                self.handed[message_id] += 1
                ack = orders.StreamMessagesRequest.Ack(message_ids=[message_id])
                await call.write(orders.StreamMessagesRequest(ack=ack))
                self.acked.add(message_id)
        except asyncio.InvalidStateError:
            await call.read()  # the call is over, and this says why
        finally:
            call.cancel()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Return whether an event is set, as soon as it is or when the time is over."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
    else:
        await asyncio.sleep(0)
    return event.is_set()
