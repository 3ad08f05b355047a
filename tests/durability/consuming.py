"""Consumers of one subscription, and what they were handed."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.pushing import now_ms

LEASE_S = 10
"""The shortest there is: what a killed replica has out comes again after it."""
FROM_THE_BEGINNING = Timestamp(seconds=1)
AGAIN_S = 0.1
CALL_S = 10
CHANNEL = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))
OUTAGES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@dataclass(slots=True, kw_only=True)
class Handed:
    """A message, handed out once."""

    number: int
    order: int
    born_ms: int
    leased_ms: int
    """By the service's clock."""
    attempt: int
    consumer: str
    acked_ms: int | None = None
    """When its acknowledgement was sent; None: not."""


@dataclass(slots=True)
class Ledger:
    """What one subscription was handed."""

    subscription: str
    handed: list[Handed] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Errors that are none of an outage."""

    def take(self, message: protos.Message, consumer: str, lease_s: float = LEASE_S) -> Handed:
        """Note a message."""
        one = Handed(
            number=int(message.message_id),
            order=message.order.cbu_order_id,
            born_ms=message.create_time.ToMilliseconds(),
            leased_ms=message.lease_expire_time.ToMilliseconds() - round(lease_s * 1000),
            attempt=message.delivery_attempt,
            consumer=consumer,
        )
        self.handed.append(one)
        return one

    @property
    def acknowledged(self) -> set[int]:
        """Numbers of the messages whose acknowledgement was sent at least once."""
        return {one.number for one in self.handed if one.acked_ms is not None}

    @property
    def again(self) -> int:
        """How many were handed out more than once, counted each time."""
        return len(self.handed) - len({one.number for one in self.handed})

    def out_of_sequence(self, accepted_ms: Mapping[int, int], slack_ms: int) -> list[tuple[Handed, Handed]]:
        """Return pairs of one order of which the second was handed out although the first was to come before.

        A message whose 200 was given before the other one was leased is stored, and goes first if it is
        older; and whatever its age, one that is out keeps the others of its order back.
        """
        orders: defaultdict[int, list[Handed]] = defaultdict(list)
        for one in self.handed:
            orders[one.order].append(one)
        return [
            (first, second)
            for handed in orders.values()
            for second in handed
            for first in handed
            if first.number != second.number and _keeps_back(first, second, handed, accepted_ms, slack_ms)
        ]


def _keeps_back(
    first: Handed, second: Handed, handed: Iterable[Handed], accepted_ms: Mapping[int, int], slack_ms: int
) -> bool:
    acks = [one.acked_ms for one in handed if one.number == first.number and one.acked_ms is not None]
    done_ms = min(acks, default=2**62)
    if done_ms <= second.leased_ms + slack_ms:
        return False
    older = first.born_ms < second.born_ms
    waited = older and accepted_ms.get(first.number, 2**62) < second.leased_ms - slack_ms
    out = first.leased_ms + slack_ms < second.leased_ms < first.leased_ms + LEASE_S * 1000 - slack_ms
    return waited or out


def is_outage(error: grpc.aio.AioRpcError) -> bool:
    """Return whether a call failed because a process died or the store is away.

    What a service says comes with details; gRPC itself finds several words for a connection that broke.
    """
    told = "grpc-status-details-bin" in dict(error.trailing_metadata() or ())
    return not told or error.code() in OUTAGES


class Consumer:
    """Takes messages from one replica, and from the next where that one is away."""

    def __init__(self, name: str, ledger: Ledger, addresses: list[str], dice: random.Random) -> None:
        self._name = name
        self._ledger = ledger
        self._addresses = addresses
        self._dice = dice

    async def stream(self) -> None:
        """Take them from streams until cancelled."""
        await self._from_each(self._stream)

    async def pull(self) -> None:
        """Pull them until cancelled."""
        await self._from_each(self._pull)

    async def _from_each(self, take) -> None:
        while True:
            for address in self._addresses:
                async with grpc.aio.insecure_channel(address, options=CHANNEL) as channel:
                    try:
                        await take(OrderSyncServiceStub(channel))
                    except grpc.aio.AioRpcError as error:
                        if not is_outage(error):
                            self._ledger.refusals.append(f"{error.code().name} {error.details()}")
                await asyncio.sleep(AGAIN_S)

    async def _stream(self, stub: OrderSyncServiceStub) -> None:
        acks: asyncio.Queue[Handed] = asyncio.Queue()

        async def requests() -> AsyncIterator[protos.StreamMessagesRequest]:
            yield protos.StreamMessagesRequest(
                open=protos.StreamMessagesRequest.Open(
                    subscription=self._ledger.subscription,
                    start_time=FROM_THE_BEGINNING,
                    max_outstanding=20,
                    lease=Duration(seconds=LEASE_S),
                )
            )
            while True:
                one = await acks.get()
                one.acked_ms = now_ms()
                ack = protos.StreamMessagesRequest.Ack(message_ids=[str(one.number)])
                yield protos.StreamMessagesRequest(ack=ack)

        async def work(one: Handed) -> None:
            await asyncio.sleep(self._work_s())
            await acks.put(one)

        working: set[asyncio.Task[None]] = set()
        try:
            async for response in stub.StreamMessages(requests()):
                task = asyncio.create_task(work(self._ledger.take(response.message, self._name)))
                working.add(task)
                task.add_done_callback(working.discard)
        finally:
            for task in working:  # whoever gets these messages next works on them anew
                task.cancel()

    async def _pull(self, stub: OrderSyncServiceStub) -> None:
        while True:
            pulled = await stub.PullMessages(
                protos.PullMessagesRequest(
                    subscription=self._ledger.subscription,
                    start_time=FROM_THE_BEGINNING,
                    max_messages=10,
                    lease=Duration(seconds=LEASE_S),
                    wait=Duration(seconds=2),
                ),
                timeout=CALL_S,
            )
            handed = [self._ledger.take(message, self._name) for message in pulled.messages]
            if not handed:
                continue
            await asyncio.sleep(max(self._work_s() for _ in handed))
            for one in handed:
                one.acked_ms = now_ms()
            await stub.AckMessages(
                protos.AckMessagesRequest(
                    subscription=self._ledger.subscription,
                    message_ids=[str(one.number) for one in handed],
                ),
                timeout=CALL_S,
            )

    def _work_s(self) -> float:
        """Return the work on a message: mostly nothing, sometimes long enough to be overtaken."""
        return self._dice.uniform(0.2, 0.4) if self._dice.random() < 0.1 else 0.0
