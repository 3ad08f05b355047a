"""Consumers of a subscription that survive outages, and a log of what was delivered to them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.support.channels import FAST_RECONNECT
from tests.support.consumers import FROM_START
from tests.support.status_details import is_outage

LEASE_S = 10
"""The shortest possible lease. Messages that a killed replica had delivered are redelivered after it."""
RECONNECT_DELAY_S = 0.1
CALL_TIMEOUT_S = 10


@dataclass(slots=True)
class DeliveryLog:
    """The messages of one subscription that were acknowledged."""

    subscription: str
    acknowledged: set[int] = field(default_factory=set)
    """The numbers of the messages."""

    def acknowledge(self, received: Iterable[protos.ReceivedMessage]) -> list[str]:
        """Record the acknowledgement of messages; return their ack ids."""
        received = list(received)
        self.acknowledged.update(int(each.message.message_id) for each in received)
        return [each.ack_id for each in received]


class Consumer:
    """Consumes from one replica, and reconnects after an outage."""

    def __init__(self, log: DeliveryLog, address: str) -> None:
        self._log = log
        self._address = address

    async def stream(self) -> None:
        """Consume from streams until cancelled."""
        await self._run(self._stream)

    async def pull(self) -> None:
        """Consume by pulls until cancelled."""
        await self._run(self._pull)

    async def _run(self, consume: Callable[[OrderSyncServiceStub], Awaitable[None]]) -> None:
        while True:
            async with grpc.aio.insecure_channel(self._address, options=FAST_RECONNECT) as channel:
                try:
                    await consume(OrderSyncServiceStub(channel))
                except grpc.aio.AioRpcError as error:
                    assert is_outage(error), error
            await asyncio.sleep(RECONNECT_DELAY_S)

    async def _stream(self, stub: OrderSyncServiceStub) -> None:
        acks: asyncio.Queue[list[str]] = asyncio.Queue()

        async def requests() -> AsyncIterator[protos.StreamMessagesRequest]:
            yield protos.StreamMessagesRequest(
                open=protos.StreamMessagesRequest.Open(
                    subscription=self._log.subscription,
                    create_if_missing=FROM_START,
                    max_outstanding=20,
                    lease=Duration(seconds=LEASE_S),
                )
            )
            while True:
                ack = protos.StreamMessagesRequest.Ack(ack_ids=await acks.get())
                yield protos.StreamMessagesRequest(ack=ack)

        async for response in stub.StreamMessages(requests()):
            acks.put_nowait(self._log.acknowledge(response.delivered.received_messages))

    async def _pull(self, stub: OrderSyncServiceStub) -> None:
        while True:
            response = await stub.PullMessages(
                protos.PullMessagesRequest(
                    subscription=self._log.subscription,
                    create_if_missing=FROM_START,
                    max_messages=10,
                    lease=Duration(seconds=LEASE_S),
                    wait=Duration(seconds=2),
                ),
                timeout=CALL_TIMEOUT_S,
            )
            if response.received_messages:
                ack_ids = self._log.acknowledge(response.received_messages)
                ack = protos.AckMessagesRequest(subscription=self._log.subscription, ack_ids=ack_ids)
                await stub.AckMessages(ack, timeout=CALL_TIMEOUT_S)
