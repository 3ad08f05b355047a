"""Consumers of a subscription that survive outages, and a log of the deliveries to them."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.support.channels import FAST_RECONNECT
from tests.support.consumers import EARLIEST_TIME
from tests.support.push_client import now_ms
from tests.support.status_details import is_outage

LEASE_S = 10
"""The shortest possible lease. Messages that a killed replica had delivered are redelivered after it."""
RECONNECT_DELAY_S = 0.1
CALL_TIMEOUT_S = 10


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One delivery of a message to a consumer."""

    number: int
    order_id: int
    event_time_ms: int
    leased_ms: int
    """By the clock of the service."""
    attempt: int
    consumer: str
    acked_ms: int | None = None
    """When its acknowledgement was sent; None if it was not."""


@dataclass(slots=True)
class DeliveryLog:
    """The deliveries of one subscription, in the order of their arrival."""

    subscription: str
    deliveries: list[Delivery] = field(default_factory=list)
    unexpected_errors: list[str] = field(default_factory=list)
    """Errors that no outage explains."""

    def record(self, message: protos.Message, consumer: str, lease_s: float = LEASE_S) -> Delivery:
        """Record a delivery."""
        delivery = Delivery(
            number=int(message.message_id),
            order_id=message.order.cbu_order_id,
            event_time_ms=message.create_time.ToMilliseconds(),
            leased_ms=message.lease_expire_time.ToMilliseconds() - round(lease_s * 1000),
            attempt=message.delivery_attempt,
            consumer=consumer,
        )
        self.deliveries.append(delivery)
        return delivery

    @property
    def acknowledged(self) -> set[int]:
        """The numbers of the messages that were acknowledged at least once."""
        return {delivery.number for delivery in self.deliveries if delivery.acked_ms is not None}

    @property
    def redeliveries(self) -> int:
        """The number of deliveries after the first one of each message."""
        return len(self.deliveries) - len({delivery.number for delivery in self.deliveries})

    def find_order_violations(
        self, accepted_ms: Mapping[int, int], tolerance_ms: int
    ) -> list[tuple[Delivery, Delivery]]:
        """Return pairs of deliveries of one order in which the second was delivered too early.

        A message must wait for an older one that was already stored, and for any message of its order that is
        delivered and not acknowledged.
        """
        deliveries_by_order: defaultdict[int, list[Delivery]] = defaultdict(list)
        for delivery in self.deliveries:
            deliveries_by_order[delivery.order_id].append(delivery)
        return [
            (first, second)
            for deliveries in deliveries_by_order.values()
            for second in deliveries
            for first in deliveries
            if first.number != second.number
            and _must_wait(second, first, deliveries, accepted_ms, tolerance_ms)
        ]


def _must_wait(
    second: Delivery,
    first: Delivery,
    deliveries: Iterable[Delivery],
    accepted_ms: Mapping[int, int],
    tolerance_ms: int,
) -> bool:
    """Return whether `second` had to be delivered after the acknowledgement of `first`, and was not."""
    acks_ms = [
        delivery.acked_ms
        for delivery in deliveries
        if delivery.number == first.number and delivery.acked_ms is not None
    ]
    if min(acks_ms, default=2**62) <= second.leased_ms + tolerance_ms:
        return False
    is_older = first.event_time_ms < second.event_time_ms
    was_stored = accepted_ms.get(first.number, 2**62) < second.leased_ms - tolerance_ms
    was_leased = (
        first.leased_ms + tolerance_ms < second.leased_ms < first.leased_ms + LEASE_S * 1000 - tolerance_ms
    )
    return (is_older and was_stored) or was_leased


class Consumer:
    """Consumes from one replica, and from the next one during an outage."""

    def __init__(self, name: str, log: DeliveryLog, addresses: list[str], rng: random.Random) -> None:
        self._name = name
        self._log = log
        self._addresses = addresses
        self._rng = rng

    async def stream(self) -> None:
        """Consume from streams until cancelled."""
        await self._run(self._stream)

    async def pull(self) -> None:
        """Consume by pulls until cancelled."""
        await self._run(self._pull)

    async def _run(self, consume: Callable[[OrderSyncServiceStub], Awaitable[None]]) -> None:
        while True:
            for address in self._addresses:
                async with grpc.aio.insecure_channel(address, options=FAST_RECONNECT) as channel:
                    try:
                        await consume(OrderSyncServiceStub(channel))
                    except grpc.aio.AioRpcError as error:
                        if not is_outage(error):
                            self._log.unexpected_errors.append(f"{error.code().name} {error.details()}")
                await asyncio.sleep(RECONNECT_DELAY_S)

    async def _stream(self, stub: OrderSyncServiceStub) -> None:
        acks: asyncio.Queue[Delivery] = asyncio.Queue()

        async def requests() -> AsyncIterator[protos.StreamMessagesRequest]:
            yield protos.StreamMessagesRequest(
                open=protos.StreamMessagesRequest.Open(
                    subscription=self._log.subscription,
                    start_time=EARLIEST_TIME,
                    max_outstanding=20,
                    lease=Duration(seconds=LEASE_S),
                )
            )
            while True:
                delivery = await acks.get()
                delivery.acked_ms = now_ms()
                ack = protos.StreamMessagesRequest.Ack(message_ids=[str(delivery.number)])
                yield protos.StreamMessagesRequest(ack=ack)

        async def work(delivery: Delivery) -> None:
            await asyncio.sleep(self._work_s())
            await acks.put(delivery)

        working: set[asyncio.Task[None]] = set()
        try:
            async for response in stub.StreamMessages(requests()):
                task = asyncio.create_task(work(self._log.record(response.message, self._name)))
                working.add(task)
                task.add_done_callback(working.discard)
        finally:
            for task in working:  # the messages are redelivered
                task.cancel()

    async def _pull(self, stub: OrderSyncServiceStub) -> None:
        while True:
            response = await stub.PullMessages(
                protos.PullMessagesRequest(
                    subscription=self._log.subscription,
                    start_time=EARLIEST_TIME,
                    max_messages=10,
                    lease=Duration(seconds=LEASE_S),
                    wait=Duration(seconds=2),
                ),
                timeout=CALL_TIMEOUT_S,
            )
            deliveries = [self._log.record(message, self._name) for message in response.messages]
            if not deliveries:
                continue
            await asyncio.sleep(max(self._work_s() for _ in deliveries))
            for delivery in deliveries:
                delivery.acked_ms = now_ms()
            await stub.AckMessages(
                protos.AckMessagesRequest(
                    subscription=self._log.subscription,
                    message_ids=[str(delivery.number) for delivery in deliveries],
                ),
                timeout=CALL_TIMEOUT_S,
            )

    def _work_s(self) -> float:
        """Return how long to work on a message: mostly 0, sometimes so long that a later one ends first."""
        return self._rng.uniform(0.2, 0.4) if self._rng.random() < 0.1 else 0.0
