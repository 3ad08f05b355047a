"""A caller that enqueues syncs, and looks at what became of them."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.consuming import CALL_S, CHANNEL, is_outage
from tests.durability.pushing import AGAIN_S, BEIJING

FIRST_S = 1_788_399_003
"""The end time of a key's first status; each further one is a second later, and is known by that."""


def status_sync(key: int, number: int) -> protos.EnqueueSyncRequest:
    """Return the enqueueing of a key's n-th status."""
    return protos.EnqueueSyncRequest(
        request_id=str(uuid.uuid4()),
        sync_order_status=protos.SyncOrderStatusRequest(
            order_status=protos.OrderStatusUpdate(
                national_order_id=str(key),
                pay_status=protos.DOWNSTREAM_ORDER_STATUS_SUCCESS,
                end_time=Timestamp(seconds=FIRST_S + number),
            )
        ),
    )


class Shop:
    """Enqueues at the replicas in turn, again and again until it is answered."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self.calls = 0
        self.accepted: dict[str, str] = {}
        """Request id -> the id of the delivery that it was answered with."""

    async def __aenter__(self) -> "Shop":
        self._channels = [grpc.aio.insecure_channel(each, options=CHANNEL) for each in self._addresses]
        self.stubs = [OrderSyncServiceStub(channel) for channel in self._channels]
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()

    async def enqueue(self, request: protos.EnqueueSyncRequest) -> None:
        """Enqueue until it is answered."""
        while True:
            stub = self.stubs[self.calls % len(self.stubs)]
            self.calls += 1
            try:
                answer = await stub.EnqueueSync(request, timeout=CALL_S)
            except grpc.aio.AioRpcError as error:
                assert is_outage(error), error
                await asyncio.sleep(AGAIN_S)
                continue
            self.accepted[request.request_id] = answer.delivery.delivery_id
            return

    async def deliveries(self, *states: protos.DeliveryState) -> list[protos.Delivery]:
        """Return all deliveries in these states; none: in any."""
        found: list[protos.Delivery] = []
        request = protos.ListDeliveriesRequest(states=states, page_size=1000)
        while True:
            page = await self.stubs[0].ListDeliveries(request, timeout=CALL_S)
            found += page.deliveries
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def pending(self) -> int:
        """Return how many of the first thousand are still to be sent."""
        request = protos.ListDeliveriesRequest(states=[protos.DELIVERY_STATE_PENDING], page_size=1000)
        return len((await self.stubs[0].ListDeliveries(request, timeout=CALL_S)).deliveries)


def sent_numbers(synced: dict[str, Any]) -> list[int]:
    """Return the numbers of a key's statuses in the order they reached the sandbox, repeats included."""
    return [_epoch_s(status["endTime"]) - FIRST_S for status in synced["status"]]


def in_sequence(numbers: Sequence[int]) -> bool:
    """Return whether each is the one before once more, or the next."""
    return all(second in (first, first + 1) for first, second in pairwise([-1, *numbers]))


def _epoch_s(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp())
