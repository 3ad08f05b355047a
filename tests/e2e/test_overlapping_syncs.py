"""Syncs of one order that overlap, on the open platform: what 1688 accepted is never undone.

The service runs in the tests' loop, on SQLite or (marked postgres) in two replicas.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from nationalsite.ordersync import v1 as protos

from services.order_sync.full_order_merger import order_key
from services.order_sync.service import ORDER_SYNC, OrderSyncSettings
from services.server import serve
from services.store import Storage, storage_lifespan
from tests.e2e.controlled_upstream import Upstream, controlled_upstream
from tests.store.factories import read_full_order
from tests.support.status_details import parse_status_details

TIME = Timestamp(seconds=1_788_399_003)
TIMEOUT_S = 20
NOT_REFUNDED, REFUNDED = (
    protos.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
    protos.DOWNSTREAM_REFUND_STATUS_REFUNDED,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
numbers = itertools.count(1)


def build_settings(upstream: Upstream, url: str) -> OrderSyncSettings:
    return OrderSyncSettings.model_validate(
        {
            "NATIONALSITE_REPLAY_SECONDS": 0,
            "access_token": "token",
            "app_key": "1",
            "app_secret": "secret",
            "callback_listen": "127.0.0.1:0",
            "database_url": url,
            "dialect": "open-platform",
            "gateway_url": upstream.url,
            "grace_s": 5,
            "http_listen": "127.0.0.1:0",
            "listen": "127.0.0.1:0",
        }
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with controlled_upstream() as upstream:
        yield upstream


Stub = protos.OrderSyncServiceStub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stubs(upstream: Upstream, store_url: str) -> AsyncIterator[tuple[Stub, Stub]]:
    """Stubs of two replicas; with SQLite, both of the same one."""
    async with AsyncExitStack() as stack:
        stubs = []
        for _ in range(1 if store_url.startswith("sqlite") else 2):
            addresses = await stack.enter_async_context(
                serve(ORDER_SYNC, build_settings(upstream, store_url))
            )
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{addresses.port}")
            stubs.append(Stub(await stack.enter_async_context(channel)))
        yield stubs[0], stubs[-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def observer(stubs: tuple[Stub, Stub], store_url: str) -> AsyncIterator[Storage]:
    """The same store, to look into it."""
    async with storage_lifespan(store_url) as storage:
        yield storage


def build_order(order_id, amount):
    paid = Money(currency_code="CNY", units=3)
    sub_order = protos.SubOrder(
        national_sub_order_id="9",
        refund_status=NOT_REFUNDED,
        offer_id=620201390233,
        product_name="x",
        sku_id=5104790281451,
        sku_name="y",
        buy_amount=amount,
        paid_fee=paid,
    )
    return protos.Order(
        national_order_id=order_id,
        create_time=TIME,
        pay_time=TIME,
        pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID,
        refund_status=NOT_REFUNDED,
        out_member_id="1212113",
        paid_fee=paid,
        sub_orders=[sub_order],
    )


class Order:
    """An order of its own for each test. `one` and `other` are stubs of replicas."""

    def __init__(self, observer):
        self.id = str(next(numbers))
        self._observer = observer

    def sync(self, stub, amount, timeout=TIMEOUT_S):
        request = protos.SyncOrderRequest(order=build_order(self.id, amount))
        return asyncio.ensure_future(stub.SyncOrder(request, timeout=timeout))

    def end(self, stub, seconds, timeout=TIMEOUT_S):
        """Sync an end time, in seconds after TIME."""
        request = protos.SyncOrderStatusRequest(order_status=self.end_status(seconds))
        return asyncio.ensure_future(stub.SyncOrderStatus(request, timeout=timeout))

    def end_status(self, seconds):
        end_time = Timestamp(seconds=TIME.seconds + seconds)
        pay_status = protos.DOWNSTREAM_ORDER_STATUS_PAID
        return protos.OrderStatusUpdate(national_order_id=self.id, pay_status=pay_status, end_time=end_time)

    def refund(self, stub, refund_status=REFUNDED, timeout=TIMEOUT_S):
        status = protos.OrderStatusUpdate(national_order_id=self.id, refund_status=refund_status)
        request = protos.SyncOrderStatusRequest(order_status=status)
        return asyncio.ensure_future(stub.SyncOrderStatus(request, timeout=timeout))

    async def stored(self):
        """The amount and the end time that are stored."""
        full = protos.Order.FromString((await read_full_order(self._observer, order_key(self.id))).payload)
        seconds = full.end_time.seconds - TIME.seconds if full.HasField("end_time") else None
        return full.sub_orders[0].buy_amount, seconds


def sent(content):
    """The amount and the end time in a request that 1688 got."""
    text = content.get("endTime")
    seconds = None if text is None else (int(text[-2:]) - 3) % 60
    return content["subOrderParamList"][0]["buyAmount"], seconds


async def reason(call):
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    return parse_status_details(failure.value)["ErrorInfo"].reason.removeprefix("ERROR_REASON_")


@pytest.fixture(params=["once", *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 12))])
def order(observer, upstream, request):
    """An order that no other test has. Each schedule is run once; with the slow tests, ten times more."""
    assert request.param
    assert upstream.is_idle
    upstream.max_in_flight = 0
    return Order(observer)


@pytest_asyncio.fixture(loop_scope="module")
async def replicas(stubs, upstream, order):
    """Two stubs. The order is synced with the amount 1."""
    call = order.sync(stubs[0], 1)
    await upstream.accept_next()
    await call
    return stubs


async def test_a_full_sync_is_not_overwritten_by_a_status_whose_caller_got_deadline(
    replicas, order, upstream
):
    one, other = replicas
    status = order.end(one, 1, timeout=2)
    first = await upstream.arrival()
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await status
    assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    full = order.sync(other, 5)
    first.accept()
    assert sent(await upstream.accept_next()) == (5, None)
    await full
    assert await order.stored() == (5, None)
    assert upstream.max_in_flight == 1


async def test_a_cancelled_status_is_sent_to_its_end_and_stored(replicas, order, upstream):
    one, other = replicas
    status = order.end(one, 1)
    first = await upstream.arrival()
    status.cancel()
    later = order.refund(other)
    first.accept()
    content = await upstream.accept_next()
    await later
    assert (sent(content), content["refundStatus"]) == ((1, 1), "1")
    assert await order.stored() == (1, 1)


async def test_a_full_sync_under_way_does_not_overwrite_a_status_delivered_meanwhile(
    replicas, order, upstream
):
    one, other = replicas
    full = order.sync(one, 5)
    first = await upstream.arrival()
    request = protos.EnqueueSyncRequest(request_id=str(uuid.uuid4()), order_status=order.end_status(2))
    delivery_id = (await other.EnqueueSync(request, timeout=TIMEOUT_S)).delivery.delivery_id
    by_id = protos.GetDeliveryRequest(delivery_id=delivery_id)
    async with asyncio.timeout(TIMEOUT_S):
        while not (await other.GetDelivery(by_id)).delivery.attempts:  # noqa: ASYNC110 # of another replica
            await asyncio.sleep(0.01)
    assert upstream.in_flight == 1
    first.accept()
    await full
    content = await upstream.accept_next()
    by_id.wait.FromSeconds(TIMEOUT_S)
    delivery = (await other.GetDelivery(by_id, timeout=2 * TIMEOUT_S)).delivery
    assert delivery.state == protos.DELIVERY_STATE_DELIVERED
    assert sent(content) == (5, 2) == await order.stored()


async def test_of_two_statuses_at_once_none_is_lost(replicas, order, upstream):
    for seconds, refund_status in enumerate([REFUNDED, NOT_REFUNDED] * 2, start=1):
        calls = [order.end(replicas[0], seconds), order.refund(replicas[1], refund_status)]
        await upstream.accept_next()
        content = await upstream.accept_next()
        await asyncio.gather(*calls)
        assert sent(content) == (1, seconds)
        assert content["refundStatus"] == ("1" if refund_status == REFUNDED else "0")
    assert upstream.max_in_flight == 1


@pytest.mark.slow
async def test_a_sync_that_waits_too_long_is_refused_and_not_sent(replicas, order, upstream):
    one, other = replicas
    full = order.sync(one, 5)
    first = await upstream.arrival()
    rejected = [order.sync(other, 6, timeout=5), order.end(other, 1, timeout=5)]
    assert [await reason(call) for call in rejected] == ["SYNC_IN_PROGRESS"] * 2
    first.accept()
    await full
    assert upstream.is_idle
    assert sent(upstream.orders[order.id]) == (5, None)


async def test_a_rejected_sync_lets_the_next_one_begin_and_is_not_stored(replicas, order, upstream):
    one, other = replicas
    full = order.sync(one, 5)
    first = await upstream.arrival()
    status = order.end(other, 1)
    first.reject()
    assert await reason(full) == "UPSTREAM_REFUSED"
    content = await upstream.accept_next()
    await status
    assert sent(content) == (1, 1) == await order.stored()


@pytest.mark.slow
async def test_after_an_unknown_outcome_only_a_retry_is_sent(replicas, order, upstream):
    one, other = replicas
    status = order.end(one, 1)
    for _ in range(3):  # the attempts of one call
        (await upstream.arrival()).drop()
    assert await reason(status) == "UPSTREAM_UNAVAILABLE"
    rejected = [order.sync(other, 5, timeout=5), order.end(other, 2, timeout=5)]
    assert [await reason(call) for call in rejected] == ["SYNC_IN_PROGRESS"] * 2
    retry = order.end(other, 1)
    await upstream.accept_next()
    await retry
    assert await order.stored() == (1, 1)
    status = order.end(one, 2)
    await upstream.accept_next()
    await status


async def test_a_status_waits_for_the_first_full_sync(stubs, order, upstream):
    one, other = stubs
    full = order.sync(one, 5)
    first = await upstream.arrival()
    status = order.end(other, 1)
    first.accept()
    content = await upstream.accept_next()
    await asyncio.gather(full, status)
    assert sent(content) == (5, 1) == await order.stored()


async def test_orders_do_not_wait_for_each_other(stubs, order, upstream):
    calls = [
        asyncio.ensure_future(
            stubs[n % 2].SyncOrder(protos.SyncOrderRequest(order=build_order(f"{order.id}-{n}", 1)))
        )
        for n in range(10)
    ]
    arrivals = [await upstream.arrival() for _ in calls]
    for arrival in arrivals:
        arrival.accept()
    await asyncio.gather(*calls)


async def test_a_logistics_status_waits_for_its_logistics_order(stubs, order, upstream):
    one, other = stubs
    logistics_order = protos.LogisticsOrder(
        national_order_id=order.id,
        logistics_id=f"L{order.id}",
        logistics_status=protos.DOWNSTREAM_LOGISTICS_STATUS_SENT,
        create_time=TIME,
        province="a",
        city="b",
        area="c",
        address="d",
    )
    full = asyncio.ensure_future(
        one.SyncLogisticsOrder(
            protos.SyncLogisticsOrderRequest(logistics_order=logistics_order), timeout=TIMEOUT_S
        )
    )
    first = await upstream.arrival()
    status = protos.LogisticsStatusUpdate(
        logistics_id=f"L{order.id}", logistics_status=protos.DOWNSTREAM_LOGISTICS_STATUS_SIGNED
    )
    later = asyncio.ensure_future(
        other.SyncLogisticsStatus(
            protos.SyncLogisticsStatusRequest(logistics_status=status), timeout=TIMEOUT_S
        )
    )
    first.accept()
    content = await upstream.accept_next()
    await asyncio.gather(full, later)
    assert (first.content["logisticsStatus"], content["logisticsStatus"]) == ("send", "sign")
