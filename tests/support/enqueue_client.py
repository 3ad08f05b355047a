"""Enqueues syncs, and checks what the service and 1688 made of them."""

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

from tests.support.channels import FAST_RECONNECT
from tests.support.push_client import BEIJING
from tests.support.status_details import is_outage

CALL_TIMEOUT_S = 10
RETRY_DELAY_S = 0.3
FIRST_END_TIME_S = 1_788_399_003
"""The end time of an order's first status. Each further status ends a second later, which identifies it."""


def build_status_sync(order_id: int, number: int) -> protos.EnqueueSyncRequest:
    """Return a request to enqueue the n-th status of an order, with a new request id."""
    return protos.EnqueueSyncRequest(
        request_id=str(uuid.uuid4()),
        order_status=protos.OrderStatusUpdate(
            national_order_id=str(order_id),
            pay_status=protos.DOWNSTREAM_ORDER_STATUS_SUCCESS,
            end_time=Timestamp(seconds=FIRST_END_TIME_S + number),
        ),
    )


class EnqueueClient:
    """Enqueues at several replicas in turn, and retries until it gets a response."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self.calls = 0
        self.accepted: dict[str, str] = {}
        """Request id -> delivery id of the response."""

    async def __aenter__(self) -> "EnqueueClient":
        self._channels = [
            grpc.aio.insecure_channel(address, options=FAST_RECONNECT) for address in self._addresses
        ]
        self.stubs = [OrderSyncServiceStub(channel) for channel in self._channels]
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()

    async def enqueue(self, request: protos.EnqueueSyncRequest) -> None:
        """Enqueue a sync; retry during outages."""
        while True:
            stub = self.stubs[self.calls % len(self.stubs)]
            self.calls += 1
            try:
                response = await stub.EnqueueSync(request, timeout=CALL_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                assert is_outage(error), error
                await asyncio.sleep(RETRY_DELAY_S)
                continue
            self.accepted[request.request_id] = response.delivery.delivery_id
            return

    async def list_deliveries(self) -> list[protos.Delivery]:
        """Return all deliveries."""
        deliveries: list[protos.Delivery] = []
        request = protos.ListDeliveriesRequest(page_size=1000)
        while True:
            page = await self.stubs[0].ListDeliveries(request, timeout=CALL_TIMEOUT_S)
            deliveries += page.deliveries
            if not page.next_page_token:
                return deliveries
            request.page_token = page.next_page_token

    async def count_pending(self) -> int:
        """Return the number of pending deliveries, at most a thousand."""
        request = protos.ListDeliveriesRequest(states=[protos.DELIVERY_STATE_PENDING], page_size=1000)
        return len((await self.stubs[0].ListDeliveries(request, timeout=CALL_TIMEOUT_S)).deliveries)


def parse_sent_numbers(synced_order: dict[str, Any]) -> list[int]:
    """Return the numbers of an order's statuses in the order of their arrival at the sandbox."""
    return [_to_epoch_s(status["endTime"]) - FIRST_END_TIME_S for status in synced_order["status"]]


def are_in_order(numbers: Sequence[int]) -> bool:
    """Return whether each number repeats the one before, or is the next. The first is 0."""
    return all(second in (first, first + 1) for first, second in pairwise([-1, *numbers]))


def _to_epoch_s(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp())
