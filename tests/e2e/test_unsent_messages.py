"""Messages of the largest size: each response fits a plain client, and one that was not sent does not count.

The service runs in the tests' loop, on SQLite or (marked postgres) on PostgreSQL.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from nationalsite.ordersync import v1 as protos

from services.order_sync.message_codec import MAX_MESSAGE_BYTES, parse_message
from services.order_sync.service import ORDER_SYNC, OrderSyncSettings
from services.server import serve
from services.store import Storage, storage_lifespan
from tests.support.stalled_caller import WINDOW_BYTES, stalled_call

TIMEOUT_S = 20
MAX_ATTEMPTS = 10
PULL = "/nationalsite.ordersync.v1.OrderSyncService/PullMessages"
STREAM = "/nationalsite.ordersync.v1.OrderSyncService/StreamMessages"
PLAIN_LIMIT_BYTES = 4 * 2**20
"""What a gRPC client accepts by default."""

pytestmark = pytest.mark.asyncio(loop_scope="module")
numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(store_url: str) -> AsyncIterator[str]:
    """The address of a running service. It calls no gateway."""
    settings = OrderSyncSettings.model_validate(
        {
            "NATIONALSITE_REPLAY_SECONDS": 0,
            "access_token": "token",
            "app_key": "1",
            "app_secret": "secret",
            "callback_listen": "127.0.0.1:0",
            "database_url": store_url,
            "gateway_url": "http://127.0.0.1:9",
            "grace_s": 5,
            "http_listen": "127.0.0.1:0",
            "listen": "127.0.0.1:0",
        }
    )
    async with serve(ORDER_SYNC, settings) as addresses:
        yield f"127.0.0.1:{addresses.port}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(address: str) -> AsyncIterator[protos.OrderSyncServiceStub]:
    """A client without any option."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield protos.OrderSyncServiceStub(channel)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def storage(address: str, store_url: str) -> AsyncIterator[Storage]:
    """The same store, to put messages into it."""
    async with storage_lifespan(store_url) as storage:
        yield storage


@pytest_asyncio.fixture(loop_scope="module")
async def subscription(stub: protos.OrderSyncServiceStub) -> AsyncIterator[str]:
    """A new subscription, without messages."""
    name = f"s{next(numbers)}"
    await pull(stub, name, create_if_missing=protos.SubscriptionSpec())
    yield name
    await stub.DeleteSubscription(protos.DeleteSubscriptionRequest(subscription=name), timeout=TIMEOUT_S)


async def pull(stub, subscription, **fields: Any) -> protos.PullMessagesResponse:
    """Pull without waiting, unless `wait` is set."""
    request = protos.PullMessagesRequest(subscription=subscription, **{"wait": {}} | fields)
    return await stub.PullMessages(request, timeout=TIMEOUT_S)


def build_text(filling: bytes) -> bytes:
    """Return a message of the largest size."""
    start = b'{"msgId":%d,"type":"ORDER_BUYER_VIEW_ORDER_PAY","data":{"orderId":%d},"x":"' % (
        number := next(numbers),
        number,
    )
    end = b'"}'
    count = (MAX_MESSAGE_BYTES - len(start) - len(end)) // len(filling)
    return start + filling * count + end


FILLINGS = [
    pytest.param(b"x", id="ASCII"),
    pytest.param("订".encode(), id="UTF-8"),
    pytest.param(rb"\u8ba2", id="escapes"),
    # The texts that become longer: they are slow to decode.
    pytest.param("订".encode("gb18030"), id="GB18030", marks=pytest.mark.slow),
    pytest.param(b"\xff", id="no text", marks=pytest.mark.slow),
]


async def store_messages(storage: Storage, count: int, filling: bytes = b"x") -> set[str]:
    """Store messages; return their ids."""
    messages = [parse_message(build_text(filling), storage.store.clock) for _ in range(count)]
    await storage.inbox.store(messages)
    return {message.message_id for message in messages}


@pytest.mark.parametrize("filling", FILLINGS)
async def test_a_plain_client_can_take_every_response(stub, storage, subscription, filling):
    stored = await store_messages(storage, 8, filling)
    received: dict[str, int] = {}
    while response := await pull(stub, subscription, max_messages=1000):
        if not response.received_messages:
            break
        assert response.ByteSize() < PLAIN_LIMIT_BYTES - 2**20
        for each in response.received_messages:
            received[each.message.message_id] = each.delivery_attempt
    assert received == dict.fromkeys(stored, 1)


@pytest.mark.parametrize("end", ["disappear", "reject"])
async def test_a_pull_whose_response_was_not_sent_does_not_count(address, stub, storage, subscription, end):
    """As often as would make the messages dead, and once more."""
    stored = await store_messages(storage, 3)
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 5})
    for _ in range(MAX_ATTEMPTS + 1):
        async with asyncio.timeout(TIMEOUT_S):
            async with stalled_call(address, PULL, request.SerializeToString()) as call:
                assert await call.read_beginning() > 3 * MAX_MESSAGE_BYTES > WINDOW_BYTES
                getattr(call, end)()
    await assert_first_attempt(stub, subscription, stored)


async def test_a_pull_that_ends_at_its_deadline_does_not_count(address, stub, storage, subscription):
    stored = await store_messages(storage, 3)
    request = protos.PullMessagesRequest(subscription=subscription)
    async with asyncio.timeout(TIMEOUT_S):
        async with stalled_call(address, PULL, request.SerializeToString(), {"grpc-timeout": "300m"}) as call:
            await call.read_beginning()
            await assert_first_attempt(stub, subscription, stored)


@pytest.mark.parametrize("end", ["disappear", "reject"])
async def test_a_stream_whose_response_was_not_sent_does_not_count(address, stub, storage, subscription, end):
    stored = await store_messages(storage, 3)
    request = protos.StreamMessagesRequest(open={"subscription": subscription})
    for _ in range(MAX_ATTEMPTS + 1):
        async with asyncio.timeout(TIMEOUT_S):
            async with stalled_call(address, STREAM, request.SerializeToString(), is_stream=True) as call:
                assert await call.read_beginning() > 3 * MAX_MESSAGE_BYTES > WINDOW_BYTES
                getattr(call, end)()
    await assert_first_attempt(stub, subscription, stored)


async def test_a_stream_that_ends_after_its_response_was_sent_counts(stub, storage, subscription):
    stored = await store_messages(storage, 3)
    call = stub.StreamMessages()
    await call.write(protos.StreamMessagesRequest(open={"subscription": subscription}))
    assert len((await call.read()).delivered.received_messages) == 3
    call.cancel()
    received = (await pull(stub, subscription, wait={"seconds": 10})).received_messages
    assert {each.message.message_id: each.delivery_attempt for each in received} == dict.fromkeys(stored, 2)


async def assert_first_attempt(stub, subscription: str, stored: set[str]) -> None:
    """Pull all messages, as soon as they are released."""
    received = (await pull(stub, subscription, wait={"seconds": 10})).received_messages
    assert {each.message.message_id: each.delivery_attempt for each in received} == dict.fromkeys(stored, 1)
