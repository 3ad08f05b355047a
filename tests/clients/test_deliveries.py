"""Waiting for the end of a delivery."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from nationalsite.errors import v1 as errors_v1
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite_client import (
    connect,
    connect_async,
    parse_error,
    wait_for_delivery,
    wait_for_delivery_async,
)

from tests.clients.conftest import TIMEOUT_S
from tests.clients.order_sync_server import OrderSyncServer

PENDING = protos.GetDeliveryResponse(delivery={"state": protos.DELIVERY_STATE_PENDING})
FINISHED = protos.GetDeliveryResponse(
    delivery={"state": protos.DELIVERY_STATE_DEAD, "finish_time": {"seconds": 1}}
)
UNAVAILABLE = {
    "code": "UNAVAILABLE",
    "reason": "ERROR_REASON_DRAINING",
    "retry_delay_ms": 1,
    "pushback_ms": -1,
}


@pytest.fixture(params=["blocking", "asyncio"])
def wait(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """wait(address, delivery_id, timeout=...) waits with one of the two functions."""

    def wait_blocking(address: str, delivery_id: str, timeout: float) -> protos.Delivery:
        with connect(address, "order_sync") as channel:
            return wait_for_delivery(OrderSyncServiceStub(channel), delivery_id, timeout=timeout)

    async def wait_async(address: str, delivery_id: str, timeout: float) -> protos.Delivery:  # noqa: ASYNC109 # passed on
        async with connect_async(address, "order_sync") as channel:
            return await wait_for_delivery_async(OrderSyncServiceStub(channel), delivery_id, timeout=timeout)

    async def wait_in_thread(address: str, delivery_id: str, timeout: float) -> protos.Delivery:  # noqa: ASYNC109 # passed on
        return await asyncio.to_thread(wait_blocking, address, delivery_id, timeout)

    return wait_async if request.param == "asyncio" else wait_in_thread


@asynccontextmanager
async def enqueue(address: str) -> AsyncIterator[tuple[OrderSyncServiceStub, str]]:
    """Enqueue a relation; yield a stub, and the id of the delivery."""
    relation = protos.OrderRelation(
        national_order_id="1", national_sub_order_id="2", cbu_order_id=3, cbu_order_entry_id=4
    )
    request = protos.EnqueueSyncRequest(request_id=str(uuid.uuid4()), relations={"relations": [relation]})
    async with connect_async(address, "order_sync") as channel:
        orders = OrderSyncServiceStub(channel)
        yield orders, (await orders.EnqueueSync(request, timeout=TIMEOUT_S)).delivery.delivery_id


async def test_delivered(wait, order_sync) -> None:
    async with enqueue(order_sync.address) as (_, delivery_id):
        delivery = await wait(order_sync.address, delivery_id, timeout=TIMEOUT_S)
    assert delivery.state == protos.DELIVERY_STATE_DELIVERED


async def test_cancelled_after_a_failure(wait, order_sync, sandbox) -> None:
    sandbox.inject_fault({"drop": "before_request"}, operation="order.relation.write", times=1000)
    async with enqueue(order_sync.address) as (orders, delivery_id):
        waiting = asyncio.create_task(wait(order_sync.address, delivery_id, timeout=TIMEOUT_S))
        cancel = protos.CancelDeliveryRequest(delivery_id=delivery_id)
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                try:
                    await orders.CancelDelivery(cancel, timeout=TIMEOUT_S)
                    break
                except grpc.RpcError as error:  # it is being sent
                    if parse_error(error).reason != errors_v1.ERROR_REASON_DELIVERY_STATE:
                        raise
        assert (await waiting).state == protos.DELIVERY_STATE_CANCELLED
    sandbox.admin("DELETE", "faults")


@pytest.mark.slow
async def test_not_finished_in_time(wait, order_sync, sandbox) -> None:
    sandbox.inject_fault({"drop": "before_request"}, operation="order.relation.write", times=1000)
    async with enqueue(order_sync.address) as (_, delivery_id):
        start_s = time.monotonic()
        with pytest.raises(TimeoutError, match=f"delivery {delivery_id} is not finished after 1 s"):
            await wait(order_sync.address, delivery_id, timeout=1)
        assert 0.5 < time.monotonic() - start_s < 5
    sandbox.admin("DELETE", "faults")


async def test_unknown_delivery(wait, order_sync) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        await wait(order_sync.address, str(uuid.uuid4()), timeout=TIMEOUT_S)
    assert parse_error(raised.value).reason == errors_v1.ERROR_REASON_DELIVERY_NOT_FOUND


@pytest.mark.slow
async def test_outage_while_waiting(wait) -> None:
    server = OrderSyncServer({"GetDelivery": [PENDING, *[UNAVAILABLE] * 4, PENDING, FINISHED]})
    with server.start() as address:
        delivery = await wait(address, "d-1", timeout=60)
    assert delivery == FINISHED.delivery
    assert [call.request.delivery_id for call in server.calls] == ["d-1"] * 7
    assert {call.request.wait.seconds for call in server.calls} == {20}


@pytest.mark.slow
async def test_outage_that_does_not_end(wait) -> None:
    server = OrderSyncServer({"GetDelivery": [UNAVAILABLE]})
    with server.start() as address, pytest.raises(TimeoutError):
        await wait(address, "d-1", timeout=1)
