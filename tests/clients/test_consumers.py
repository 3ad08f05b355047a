"""The Python client's consumers, at a service whose messages a sandbox pushes."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite_client import AsyncConsumer, Consumer, ConsumerOptions, connect_async, failure

from tests.clients.conftest import WITHIN_S, until
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, kill, start_service, stop

PAID = "ORDER_BUYER_VIEW_ORDER_PAY"


@pytest.fixture
async def stub(order_sync: RunningProcess, sandbox: SandboxClient) -> AsyncIterator[OrderSyncServiceStub]:
    sandbox.admin("PUT", "push", {"callback_url": order_sync.callback})
    async with grpc.aio.insecure_channel(order_sync.address) as channel:
        yield OrderSyncServiceStub(channel)


async def made(stub, subscription: str, **more) -> None:
    """Make a subscription to what comes from now on."""
    await stub.PullMessages(
        protos.PullMessagesRequest(subscription=subscription, wait={}, **more), timeout=WITHIN_S
    )


async def pulled(stub, subscription: str) -> list[protos.Message]:
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 10})
    return list((await stub.PullMessages(request, timeout=WITHIN_S)).messages)


async def backlog(stub, subscription: str) -> int:
    listed = await stub.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=WITHIN_S)
    (own,) = (each for each in listed.subscriptions if each.subscription == subscription)
    return own.backlog


async def done(stub, subscription: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while await backlog(stub, subscription):
            await asyncio.sleep(0.01)


async def push(sandbox: SandboxClient, *, times: int = 1, topic: str = PAID) -> list[str]:
    """Push messages, each of an order of its own; return their ids."""
    body = {"topic": topic, "times": times, "orders": times}
    told = await asyncio.to_thread(sandbox.admin, "POST", "messages", body)
    return [str(each) for each in told["message_ids"]]


class Handler:
    """Counts what it is given; waits, or raises, where a test says so."""

    def __init__(self) -> None:
        self.got: list[protos.Message] = []
        self.finished: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.raises = 0

    async def __call__(self, message: protos.Message) -> None:
        self.got.append(message)
        if self.raises:
            self.raises -= 1
            raise RuntimeError("made up")
        await self.go.wait()
        self.finished.append(message.message_id)

    def times(self) -> Counter[str]:
        return Counter(message.message_id for message in self.got)


@pytest.fixture
def handler() -> Handler:
    return Handler()


class Started:
    """A consumer that runs beside a test."""

    def __init__(self, channel, subscription, handler, **options) -> None:
        self.consumer = AsyncConsumer(channel, subscription, handler, ConsumerOptions(**options))
        self.run = asyncio.create_task(self.consumer.run())

    async def stop(self) -> None:
        self.consumer.stop()
        async with asyncio.timeout(WITHIN_S):
            await self.run


@pytest.fixture
async def channel(order_sync: RunningProcess) -> AsyncIterator[grpc.aio.Channel]:
    async with connect_async(order_sync.address, "order_sync") as channel:
        yield channel


async def test_what_is_handled_is_acknowledged(channel, stub, sandbox, subscription, handler) -> None:
    await made(stub, subscription)
    started = Started(channel, subscription, handler)
    ids = await push(sandbox, times=30)
    await until(lambda: len(handler.finished) == 30)
    await done(stub, subscription)
    await started.stop()
    assert handler.times() == Counter(ids)


async def test_no_more_are_in_hand_than_it_says(channel, stub, sandbox, subscription, handler) -> None:
    await made(stub, subscription)
    handler.go.clear()
    started = Started(channel, subscription, handler, max_outstanding=3)
    await push(sandbox, times=8)
    await until(lambda: len(handler.got) == 3)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(started.run), 0.3)
    assert len(handler.got) == 3
    handler.go.set()
    await until(lambda: len(handler.finished) == 8)
    await started.stop()


async def test_what_fails_is_given_back_and_comes_again(
    channel, stub, sandbox, subscription, handler, caplog
) -> None:
    await made(stub, subscription)
    handler.raises = 2
    started = Started(channel, subscription, handler)
    (message_id,) = await push(sandbox)
    await until(lambda: handler.finished == [message_id])
    await done(stub, subscription)
    await started.stop()
    assert [message.delivery_attempt for message in handler.got] == [1, 2, 3]
    assert caplog.text.count(f"message {message_id} ({PAID}) could not be handled") == 2


async def test_a_handler_that_takes_too_long_has_failed(
    channel, stub, sandbox, subscription, handler
) -> None:
    await made(stub, subscription)
    handler.go.clear()
    started = Started(channel, subscription, handler, handler_timeout_s=0.2)
    (message_id,) = await push(sandbox)
    await until(lambda: len(handler.got) == 2)
    handler.go.set()
    await until(lambda: message_id in handler.finished)
    await started.stop()


async def test_stop_ends_what_was_begun_and_leaves_the_rest(
    channel, stub, sandbox, subscription, handler
) -> None:
    await made(stub, subscription)
    handler.go.clear()
    started = Started(channel, subscription, handler, max_outstanding=1)
    ids = await push(sandbox, times=2)
    await until(lambda: handler.got)
    started.consumer.stop()
    await asyncio.sleep(0)
    assert not started.run.done()
    handler.go.set()
    async with asyncio.timeout(WITHIN_S):
        await started.run
    (left,) = await pulled(stub, subscription)
    assert {left.message_id, *handler.finished} == set(ids)
    assert len(handler.finished) == 1


async def test_stop_does_not_wait_for_ever(channel, stub, sandbox, subscription, handler) -> None:
    await made(stub, subscription)
    handler.go.clear()
    started = Started(channel, subscription, handler, stop_grace_s=0.1)
    (message_id,) = await push(sandbox)
    await until(lambda: handler.got)
    await started.stop()
    assert [message.message_id for message in await pulled(stub, subscription)] == [message_id]


async def test_cancelled_it_leaves_nothing_behind(channel, stub, sandbox, subscription, handler) -> None:
    await made(stub, subscription)
    before = asyncio.all_tasks()
    handler.go.clear()
    started = Started(channel, subscription, handler)
    (message_id,) = await push(sandbox)
    await until(lambda: handler.got)
    started.run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started.run
    await until(lambda: asyncio.all_tasks() <= before)
    assert [message.message_id for message in await pulled(stub, subscription)] == [message_id]


async def test_what_no_repeat_helps_against_is_raised(channel, stub, subscription, handler) -> None:
    await made(stub, subscription, topics=[PAID])
    before = asyncio.all_tasks()
    consumer = AsyncConsumer(channel, subscription, handler, ConsumerOptions(topics=["OTHER"]))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async with asyncio.timeout(WITHIN_S):
            await consumer.run()
    assert failure(raised.value).reason_name == "ERROR_REASON_SUBSCRIPTION_MISMATCH"
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_new_subscription_from_a_time_and_by_topics(
    channel, stub, sandbox, order_sync, subscription, handler
) -> None:
    start = datetime.now(UTC)
    await made(stub, "another")
    await push(sandbox, topic="SOMETHING_ELSE")
    (message_id,) = await push(sandbox)
    assert {message.message_id for message in await pulled(stub, "another")}
    started = Started(channel, subscription, handler, start_time=start, topics=[PAID])
    await until(lambda: handler.finished == [message_id])
    await started.stop()


class Restartable:
    """Order sync at a fixed address, with a store that outlives it."""

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


@pytest.mark.parametrize(
    "end", [pytest.param(kill, id="killed"), pytest.param(stop, id="drained", marks=pytest.mark.slow)]
)
async def test_it_resumes_when_the_service_is_back(end, sandbox, subscription, handler, tmp_path) -> None:
    service = await asyncio.to_thread(Restartable, sandbox, tmp_path)
    try:
        async with connect_async(service.running.address, "order_sync") as channel:
            stub = OrderSyncServiceStub(channel)
            await made(stub, subscription)
            started = Started(channel, subscription, handler)
            ids = await push(sandbox)
            await until(lambda: len(handler.finished) == 1)
            handler.go.clear()
            ids += await push(sandbox)
            await until(lambda: len(handler.got) == 2)
            await asyncio.to_thread(end, service.running)
            # What it does meanwhile is acknowledged later, and not done again.
            handler.go.set()
            await until(lambda: len(handler.finished) == 2)
            await asyncio.to_thread(service.start)
            ids += await push(sandbox)
            await until(lambda: len(handler.finished) == 3)
            await done(stub, subscription)
            await started.stop()
        assert handler.times() == Counter(ids)
    finally:
        assert await asyncio.to_thread(stop, service.running) in (0, -9)


@pytest.mark.slow
async def test_leases_are_extended_while_a_handler_runs(
    channel, stub, sandbox, subscription, handler
) -> None:
    await made(stub, subscription)
    handler.go.clear()
    started = Started(channel, subscription, handler, lease_s=10)
    (message_id,) = await push(sandbox)
    await until(lambda: handler.got)
    ends = handler.got[0].lease_expire_time.seconds + 3
    while time.time() < ends:
        assert await asyncio.to_thread(time.sleep, 0.5) is None
    assert await pulled(stub, subscription) == []
    handler.go.set()
    await until(lambda: handler.finished == [message_id])
    await started.stop()
    assert len(handler.got) == 1


@pytest.mark.parametrize("early", [False, True], ids=["stopped", "stopped before"])
async def test_the_same_without_asyncio(early, order_sync, stub, sandbox, subscription) -> None:
    await made(stub, subscription)
    got, errors = [], iter([RuntimeError("made up")])

    def handle(message: protos.Message) -> None:
        got.append(message.message_id)
        if error := next(errors, None):
            raise error

    consumer = Consumer(order_sync.address, subscription, handle, ConsumerOptions(max_outstanding=2))
    if early:
        consumer.stop()
    running = threading.Thread(target=consumer.run, daemon=True)
    running.start()
    try:
        if not early:
            ids = await push(sandbox, times=5)
            await until(lambda: len(got) == 6)
            await done(stub, subscription)
            assert set(got) == set(ids)
    finally:
        consumer.stop()
    await until(lambda: not running.is_alive())
    consumer.stop()
    assert len(got) == (0 if early else 6)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("consumer")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_outstanding": 0},
        {"max_outstanding": 1001},
        {"lease_s": 9},
        {"start_time": datetime(2026, 1, 1)},  # without a zone
    ],
    ids=str,
)
def test_options_that_the_service_would_refuse(wrong) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ConsumerOptions(**wrong)
