"""PostgreSQL hangs: it accepts what is sent and answers nothing. Calls and callbacks end nevertheless."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos

from services.order_sync.callback import PATH
from services.order_sync.service import ORDER_SYNC, OrderSyncSettings
from services.server import serve
from services.store import StoreLimits, migrate
from services.store.inbox.inbox import STORE_TIMEOUT_S
from tests.support.callbacks import SECRET, push
from tests.support.polling import wait_until
from tests.support.ports import reserve_ports
from tests.support.postgres import postgres_server
from tests.support.status_details import parse_status_details
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LIMIT_S = StoreLimits().transaction_timeout_s
MARGIN_S = 2.0
"""For a loaded machine. Without the limits, calls take ten seconds more, or twice as long."""
CALLER_TIMEOUT_S = 90
SUBSCRIPTION = "hang"
RELATION = {
    "national_order_id": "1",
    "national_sub_order_id": "2",
    "cbu_order_id": 3,
    "cbu_order_entry_id": 4,
}
CALLS: list[tuple[str, Any]] = [
    ("PullMessages", protos.PullMessagesRequest(subscription=SUBSCRIPTION)),
    ("PullMessages", protos.PullMessagesRequest(subscription=SUBSCRIPTION)),
    ("GetSubscription", protos.GetSubscriptionRequest(subscription=SUBSCRIPTION)),
    ("ListSubscriptions", protos.ListSubscriptionsRequest()),
    ("ListDeadMessages", protos.ListDeadMessagesRequest(subscription=SUBSCRIPTION)),
    ("RequeueMessages", protos.RequeueMessagesRequest(subscription=SUBSCRIPTION)),
    ("DeleteSubscription", protos.DeleteSubscriptionRequest(subscription="other")),
    ("ListDeliveries", protos.ListDeliveriesRequest()),
    ("GetDelivery", protos.GetDeliveryRequest(delivery_id=str(uuid.uuid4()))),
    ("CancelDelivery", protos.CancelDeliveryRequest(delivery_id=str(uuid.uuid4()))),
    ("RetryDelivery", protos.RetryDeliveryRequest(delivery_id=str(uuid.uuid4()))),
    ("ReplayMessages", protos.ReplayMessagesRequest()),
    ("CreateAlipayUrl", protos.CreateAlipayUrlRequest(cbu_order_ids=[1], request_id=str(uuid.uuid4()))),
]
"""One call of each kind. EnqueueSync and callbacks are called again and again."""


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    with postgres_server() as server, tcp_proxy(server.socket) as proxy:
        migrate(server.url())
        yield proxy


@pytest.fixture
def callback() -> str:
    """The address of the callback."""
    return f"127.0.0.1:{reserve_ports(1)[0]}"


@pytest.fixture
async def stub(proxy: TcpProxy, callback: str) -> AsyncIterator[protos.OrderSyncServiceStub]:
    """A stub of OrderSyncService, which runs in the tests' loop."""
    settings = OrderSyncSettings.model_validate(
        {
            "NATIONALSITE_DEADLINES": {"ReplayMessages": {"default_s": 80, "cap_s": 300}},
            "NATIONALSITE_REPLAY_SECONDS": 0,
            "access_token": "token",
            "app_key": "1",
            "app_secret": SECRET.decode(),
            "callback_listen": callback,
            "database_url": f"postgresql+psycopg://test@127.0.0.1:{proxy.port}/postgres",
            "dialect": "open-platform",
            "gateway_url": "http://127.0.0.1:1",  # nothing gets that far
            "grace_s": 1,
            "http_listen": "127.0.0.1:0",
            "listen": "127.0.0.1:0",
        }
    )
    async with (
        serve(ORDER_SYNC, settings) as addresses,
        grpc.aio.insecure_channel(f"127.0.0.1:{addresses.port}") as channel,
    ):
        stub = protos.OrderSyncServiceStub(channel)
        subscribe = protos.PullMessagesRequest(
            subscription=SUBSCRIPTION, create_if_missing=protos.SubscriptionSpec()
        )
        await stub.PullMessages(subscribe, timeout=CALLER_TIMEOUT_S)
        yield stub
        proxy.thaw()


async def measure(call: Any) -> tuple[str, float]:
    """Await a call that fails. Return its reason, and how long it took."""
    started = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    details = parse_status_details(caught.value)
    reason = details["ErrorInfo"].reason if "ErrorInfo" in details else str(caught.value)
    return reason, time.monotonic() - started


async def enqueue_again_and_again(stub: protos.OrderSyncServiceStub, count: int) -> list[tuple[str, float]]:
    """Enqueue a sync each two seconds, whether or not the ones before have ended."""
    calls = []
    for _ in range(count):
        request = protos.EnqueueSyncRequest(
            request_id=str(uuid.uuid4()),
            relations={"relations": [RELATION]},
        )
        calls.append(asyncio.ensure_future(measure(stub.EnqueueSync(request, timeout=CALLER_TIMEOUT_S))))
        await asyncio.sleep(2)
    return list(await asyncio.gather(*calls))


async def push_again_and_again(url: str, count: int) -> list[tuple[int, float]]:
    """Push a message each two seconds. Return the status and the duration of each."""

    def push_one(number: int) -> tuple[int, float]:
        started = time.monotonic()
        return push(url, f'{{"msgId": {number}, "type": "T"}}'), time.monotonic() - started

    pushes = []
    for number in range(count):
        pushes.append(asyncio.create_task(asyncio.to_thread(push_one, number)))
        await asyncio.sleep(2)
    return list(await asyncio.gather(*pushes))


async def test_calls_and_callbacks_end(
    proxy: TcpProxy, stub: protos.OrderSyncServiceStub, callback: str, report: Any
) -> None:
    url = f"http://{callback}{PATH}"
    proxy.freeze()
    calls = [measure(getattr(stub, rpc)(request, timeout=CALLER_TIMEOUT_S)) for rpc, request in CALLS]
    results, enqueued, pushed = await asyncio.gather(
        asyncio.gather(*calls),
        enqueue_again_and_again(stub, 8),
        push_again_and_again(url, 8),
    )
    report(f"calls {max(s for _, s in results):.1f} s, EnqueueSync {max(s for _, s in enqueued):.1f} s")
    report(f"callbacks {max(s for _, s in pushed):.1f} s")
    taken = [*zip([rpc for rpc, _ in CALLS], results, strict=True)]
    taken += [("EnqueueSync", each) for each in enqueued]
    assert not [
        (rpc, reason, seconds)
        for rpc, (reason, seconds) in taken
        if reason != "ERROR_REASON_STORE_UNAVAILABLE" or seconds > LIMIT_S + MARGIN_S
    ]
    assert {status for status, _ in pushed} == {503}
    assert max(seconds for _, seconds in pushed) < STORE_TIMEOUT_S + MARGIN_S

    proxy.thaw()
    last = '{"msgId": 99, "type": "T"}'
    await asyncio.to_thread(wait_until, lambda: push(url, last) == 200)
