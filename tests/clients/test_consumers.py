"""The consumers of the Python client library, with a service whose messages the sandbox pushes.

tests/consumers has what consumers of all languages do.
"""

import asyncio
import logging
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite_client import (
    AsyncConsumer,
    Consumer,
    ConsumerOptions,
    connect_async,
    get_received_message,
)

from tests.clients.conftest import TIMEOUT_S, wait_until
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, kill, start_service, stop

PAID = "ORDER_BUYER_VIEW_ORDER_PAY"


@pytest.fixture
async def stub(order_sync: RunningProcess, sandbox: SandboxClient) -> AsyncIterator[OrderSyncServiceStub]:
    sandbox.admin("PUT", "push", {"callback_url": order_sync.callback})
    async with grpc.aio.insecure_channel(order_sync.address) as channel:
        yield OrderSyncServiceStub(channel)


async def create_subscription(stub, subscription: str, **spec) -> None:
    """Create a subscription, by default to messages from now on."""
    request = protos.PullMessagesRequest(subscription=subscription, wait={}, create_if_missing=spec)
    await stub.PullMessages(request, timeout=TIMEOUT_S)


async def pull(stub, subscription: str) -> list[protos.ReceivedMessage]:
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 10})
    return list((await stub.PullMessages(request, timeout=TIMEOUT_S)).received_messages)


def ids_of(received: list[protos.ReceivedMessage]) -> list[str]:
    return [each.message.message_id for each in received]


async def release(stub, subscription: str, *received: protos.ReceivedMessage) -> None:
    """End leases, as if they had expired."""
    request = protos.SetMessageLeaseRequest(
        subscription=subscription, ack_ids=[each.ack_id for each in received], lease={}
    )
    assert not (await stub.SetMessageLease(request, timeout=TIMEOUT_S)).lapsed_ack_ids


async def ack(stub, subscription: str, *received: protos.ReceivedMessage) -> list[str]:
    """Acknowledge messages; return the lapsed ack ids."""
    request = protos.AckMessagesRequest(subscription=subscription, ack_ids=[each.ack_id for each in received])
    return list((await stub.AckMessages(request, timeout=TIMEOUT_S)).lapsed_ack_ids)


async def get_backlog(stub, subscription: str) -> int:
    request = protos.GetSubscriptionRequest(subscription=subscription)
    return (await stub.GetSubscription(request, timeout=TIMEOUT_S)).subscription.backlog


async def wait_until_acknowledged(stub, subscription: str) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while await get_backlog(stub, subscription):
            await asyncio.sleep(0.01)


async def push(sandbox: SandboxClient, *, times: int = 1, topic: str = PAID) -> list[str]:
    """Push messages, each about another order; return their ids."""
    body = {"topic": topic, "times": times, "order_count": times}
    response = await asyncio.to_thread(sandbox.admin, "POST", "messages", body)
    return [str(message_id) for message_id in response["message_ids"]]


class Handler:
    """Records messages; waits or raises if a test tells it to."""

    def __init__(self) -> None:
        self.received: list[protos.ReceivedMessage] = []
        self.finished_ids: list[str] = []
        self.cancelled_ids: list[str] = []
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.failures_left = 0

    async def __call__(self, message: protos.Message) -> None:
        received = get_received_message()
        assert received.message == message
        self.received.append(received)
        if self.failures_left:
            self.failures_left -= 1
            raise RuntimeError("simulated")
        try:
            await self.may_finish.wait()
        except asyncio.CancelledError:
            self.cancelled_ids.append(message.message_id)
            raise
        self.finished_ids.append(message.message_id)

    def count_by_id(self) -> Counter[str]:
        return Counter(ids_of(self.received))


@pytest.fixture
def handler() -> Handler:
    return Handler()


class BackgroundConsumer:
    """A consumer that runs in the background of a test."""

    def __init__(self, channel, subscription, handler, **options) -> None:
        self.async_consumer = AsyncConsumer(channel, subscription, handler, ConsumerOptions(**options))
        self.task = asyncio.create_task(self.async_consumer.run())

    async def stop(self) -> None:
        self.async_consumer.stop()
        async with asyncio.timeout(TIMEOUT_S):
            await self.task


@pytest.fixture
async def channel(order_sync: RunningProcess) -> AsyncIterator[grpc.aio.Channel]:
    async with connect_async(order_sync.address, "order_sync") as channel:
        yield channel


async def test_handled_messages_are_acknowledged(channel, stub, sandbox, subscription, handler) -> None:
    await create_subscription(stub, subscription)
    consumer = BackgroundConsumer(channel, subscription, handler)
    ids = await push(sandbox, times=30)
    await wait_until(lambda: len(handler.finished_ids) == 30)
    await wait_until_acknowledged(stub, subscription)
    await consumer.stop()
    assert handler.count_by_id() == Counter(ids)


async def test_failed_message_is_released_and_redelivered(
    channel, stub, sandbox, subscription, handler, caplog
) -> None:
    await create_subscription(stub, subscription)
    handler.failures_left = 2
    consumer = BackgroundConsumer(channel, subscription, handler)
    (message_id,) = await push(sandbox)
    await wait_until(lambda: handler.finished_ids == [message_id])
    await wait_until_acknowledged(stub, subscription)
    await consumer.stop()
    assert [received.delivery_attempt for received in handler.received] == [1, 2, 3]
    assert caplog.text.count(f"handler_failed message_id={message_id} topic={PAID}") == 2


async def test_handler_whose_own_task_was_cancelled_has_failed(
    channel, stub, sandbox, subscription, caplog
) -> None:
    await create_subscription(stub, subscription)
    attempts = []

    async def handle(message: protos.Message) -> None:
        attempts.append(get_received_message().delivery_attempt)
        if len(attempts) == 1:
            step = asyncio.create_task(asyncio.Event().wait())
            step.cancel()
            await step

    consumer = BackgroundConsumer(channel, subscription, handle)
    (message_id,) = await push(sandbox)
    await wait_until(lambda: attempts == [1, 2])
    await wait_until_acknowledged(stub, subscription)
    await consumer.stop()
    assert f"handler_failed message_id={message_id}" in caplog.text


async def test_service_that_cannot_be_reached_is_a_warning(handler, caplog) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # it does not listen
        async with connect_async(f"127.0.0.1:{closed.getsockname()[1]}", "order_sync") as channel:
            consumer = BackgroundConsumer(channel, "shop", handler)
            with caplog.at_level(logging.INFO, "nationalsite_client"):
                await wait_until(lambda: "WARNING" in caplog.text)
            await consumer.stop()
    levels = [record.levelname for record in caplog.records]
    assert levels[:3] == ["INFO", "INFO", "WARNING"]
    assert "Connection refused" in caplog.text


async def test_stop_finishes_running_handlers_and_releases_the_rest(
    channel, stub, sandbox, subscription, handler
) -> None:
    await create_subscription(stub, subscription)
    handler.may_finish.clear()
    consumer = BackgroundConsumer(channel, subscription, handler, max_outstanding=1)
    ids = await push(sandbox, times=2)
    await wait_until(lambda: handler.received)
    consumer.async_consumer.stop()
    await asyncio.sleep(0)
    assert not consumer.task.done()
    handler.may_finish.set()
    async with asyncio.timeout(TIMEOUT_S):
        await consumer.task
    (remaining_id,) = ids_of(await pull(stub, subscription))
    assert {remaining_id, *handler.finished_ids} == set(ids)
    assert len(handler.finished_ids) == 1


async def test_cancelled_run_leaves_no_tasks(channel, stub, sandbox, subscription, handler) -> None:
    await create_subscription(stub, subscription)
    before = asyncio.all_tasks()
    handler.may_finish.clear()
    consumer = BackgroundConsumer(channel, subscription, handler)
    (message_id,) = await push(sandbox)
    await wait_until(lambda: handler.received)
    consumer.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer.task
    await wait_until(lambda: asyncio.all_tasks() <= before)
    assert ids_of(await pull(stub, subscription)) == [message_id]


async def test_subscription_is_created_with_start_time_and_topics(
    channel, stub, sandbox, order_sync, subscription, handler
) -> None:
    start = datetime.now(UTC)
    await create_subscription(stub, "another")
    await push(sandbox, topic="SOMETHING_ELSE")
    (message_id,) = await push(sandbox)
    assert await pull(stub, "another")
    spec = protos.SubscriptionSpec(start_time=start, topics=[PAID])
    consumer = BackgroundConsumer(channel, subscription, handler, create_if_missing=spec)
    await wait_until(lambda: handler.finished_ids == [message_id])
    await consumer.stop()


class RestartableService:
    """Order sync at a fixed address, with a store that outlives the process."""

    def __init__(self, sandbox: SandboxClient, folder: Path) -> None:
        self._sandbox = sandbox
        self._settings = {
            "NATIONALSITE_REPLAY_SECONDS": "0",
            "NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/order_sync.db",
        }
        self.running = self._start()
        self._settings["NATIONALSITE_LISTEN"] = self.running.address

    def start(self) -> None:
        self.running = self._start()

    def _start(self) -> RunningProcess:
        running = start_service("order_sync", self._sandbox.url, self._settings, log="client-restarted")
        self._sandbox.admin("PUT", "push", {"callback_url": running.callback})
        return running


@pytest.mark.slow
@pytest.mark.parametrize("end_process", [pytest.param(kill, id="killed"), pytest.param(stop, id="drained")])
async def test_consumer_reconnects_after_a_restart(
    end_process, sandbox, subscription, handler, tmp_path
) -> None:
    service = await asyncio.to_thread(RestartableService, sandbox, tmp_path)
    try:
        async with connect_async(service.running.address, "order_sync") as channel:
            stub = OrderSyncServiceStub(channel)
            await create_subscription(stub, subscription)
            consumer = BackgroundConsumer(channel, subscription, handler)
            ids = await push(sandbox)
            await wait_until(lambda: len(handler.finished_ids) == 1)
            handler.may_finish.clear()
            ids += await push(sandbox)
            await wait_until(lambda: len(handler.received) == 2)
            await asyncio.to_thread(end_process, service.running)
            # A message handled meanwhile is acknowledged later, and not handled again.
            handler.may_finish.set()
            await wait_until(lambda: len(handler.finished_ids) == 2)
            await asyncio.to_thread(service.start)
            ids += await push(sandbox)
            await wait_until(lambda: len(handler.finished_ids) == 3)
            await wait_until_acknowledged(stub, subscription)
            await consumer.stop()
        assert handler.count_by_id() == Counter(ids)
    finally:
        assert await asyncio.to_thread(stop, service.running) in (0, -9)


@pytest.mark.slow
async def test_lapsed_lease_cancels_the_handler_and_is_left_to_the_next_consumer(
    channel, stub, sandbox, subscription, handler, caplog
) -> None:
    await create_subscription(stub, subscription)
    handler.may_finish.clear()
    consumer = BackgroundConsumer(channel, subscription, handler, lease_s=10, max_outstanding=1)
    (message_id,) = await push(sandbox)
    await wait_until(lambda: handler.received)
    # Without capacity, the consumer does not get the message back.
    await release(stub, subscription, *handler.received)
    next_delivery = await pull(stub, subscription)
    assert ids_of(next_delivery) == [message_id]
    await wait_until(lambda: handler.cancelled_ids == [message_id])
    await consumer.stop()
    assert await pull(stub, subscription) == []  # it was not released
    assert await ack(stub, subscription, *next_delivery) == []
    assert caplog.text.count(f"lease_lapsed message_id={message_id} topic={PAID}") == 1
    assert "handler_failed" not in caplog.text


async def test_lapsed_ack_is_logged_and_left_to_the_next_consumer(
    channel, stub, sandbox, subscription, handler, caplog
) -> None:
    await create_subscription(stub, subscription)
    handler.may_finish.clear()
    consumer = BackgroundConsumer(channel, subscription, handler, max_outstanding=1)
    (message_id,) = await push(sandbox)
    await wait_until(lambda: handler.received)
    await release(stub, subscription, *handler.received)
    next_delivery = await pull(stub, subscription)
    assert ids_of(next_delivery) == [message_id]
    handler.may_finish.set()
    await wait_until(lambda: f"ack_lapsed message_id={message_id}" in caplog.text)
    assert await get_backlog(stub, subscription) == 1
    assert await ack(stub, subscription, *next_delivery) == []
    await consumer.stop()
    assert len(handler.received) == 1


@pytest.mark.parametrize("stop_early", [False, True], ids=["stopped", "stopped-before-run"])
async def test_threaded_consumer(stop_early, order_sync, stub, sandbox, subscription) -> None:
    await create_subscription(stub, subscription)
    received_ids, errors = [], iter([RuntimeError("simulated")])

    def handle(message: protos.Message) -> None:
        assert get_received_message().message == message
        received_ids.append(message.message_id)
        if error := next(errors, None):
            raise error

    consumer = Consumer(order_sync.address, subscription, handle, ConsumerOptions(max_outstanding=2))
    if stop_early:
        consumer.stop()
    thread = threading.Thread(target=consumer.run, daemon=True)
    thread.start()
    try:
        if not stop_early:
            ids = await push(sandbox, times=5)
            await wait_until(lambda: len(received_ids) == 6)
            await wait_until_acknowledged(stub, subscription)
            assert set(received_ids) == set(ids)
    finally:
        consumer.stop()
    await wait_until(lambda: not thread.is_alive())
    consumer.stop()
    assert len(received_ids) == (0 if stop_early else 6)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("consumer")]


@pytest.mark.parametrize(
    "invalid",
    [
        {"max_outstanding": 0},
        {"max_outstanding": 1001},
        {"lease_s": 9},
    ],
    ids=str,
)
def test_invalid_options_are_rejected(invalid) -> None:
    with pytest.raises(ValueError, match=next(iter(invalid))):
        ConsumerOptions(**invalid)
