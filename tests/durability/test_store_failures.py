"""The store is locked, full, missing or stopped: callers get clear errors, and the service recovers."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos

from services.store import migrate
from tests.durability.consumers import Consumer, DeliveryLog
from tests.durability.small_disk import FileSizeLimit, Tmpfs, small_disk
from tests.support.enqueue_client import EnqueueClient, are_in_order, build_status_sync, parse_sent_numbers
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.push_client import PushClient
from tests.support.replica import Replica
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import ErrorSummary, summarize_error

pytestmark = pytest.mark.durability

ORDER_ID = 4_590_347_000_000_000
BATCH_SIZE = 20
"""Messages before, during and after the failure, and deliveries before it."""
MAX_PUSHES = 2000
"""Until a full disk causes an error: the journal first uses the space that it already has."""
CALL_TIMEOUT_S = 20
TIMEOUT_S = 90

Failure = Callable[[Replica], AbstractAsyncContextManager[None]]
"""Makes the store of a replica fail as long as its context lasts."""


@asynccontextmanager
async def locked(replica: Replica) -> AsyncIterator[None]:
    """Another process holds the write lock."""
    connection = sqlite3.connect(replica.database_url.partition("///")[2], isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@asynccontextmanager
async def removed(replica: Replica) -> AsyncIterator[None]:
    """The files of the store are moved to another directory."""
    file = Path(replica.database_url.partition("///")[2])
    directory = file.parent / "moved"
    directory.mkdir()
    for path in file.parent.glob(file.name + "*"):
        path.rename(directory / path.name)
    try:
        yield
    finally:
        for path in directory.iterdir():
            path.rename(file.parent / path.name)


def fill(disk: Tmpfs | FileSizeLimit) -> Failure:
    """The disk of the store is full."""

    @asynccontextmanager
    async def full(replica: Replica) -> AsyncIterator[None]:
        assert replica.running is not None
        pid = replica.running.process.pid
        disk.fill(pid)
        try:
            yield
        finally:
            disk.clear(pid)

    return full


def stop_server(server: PostgresServer, signal_number: int) -> Failure:
    """PostgreSQL stops or crashes, and starts again later."""

    @asynccontextmanager
    async def stopped(replica: Replica) -> AsyncIterator[None]:
        await asyncio.to_thread(server.stop, signal_number)
        try:
            yield
        finally:
            await asyncio.to_thread(server.start)

    return stopped


@pytest.fixture
def disk(tmp_path) -> Iterator[Tmpfs | FileSizeLimit]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def dedicated_postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        migrate(server.url())
        yield server


async def expect_failure(call: Awaitable[object]) -> ErrorSummary:
    """Await a call that must fail; return its error."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return summarize_error(caught.value)


async def check_recovery(failure: Failure, replica: Replica, sandbox: SandboxClient) -> str:
    """Push, enqueue and consume before, during and after a failure; return a line for the report."""
    log = DeliveryLog("recovery")
    async with (
        asyncio.timeout(TIMEOUT_S),
        PushClient([replica.callback]) as push_client,
        EnqueueClient([replica.grpc]) as enqueue_client,
    ):
        consumer = Consumer(log, replica.grpc)
        consumption = asyncio.create_task(consumer.stream())
        # Deliveries are sent so slowly that some are still pending when the failure starts.
        sandbox.inject_fault({"latency_ms": 100}, operation="trade.cross.orderStatusSync", times=BATCH_SIZE)
        await asyncio.gather(*(push_client.push_until_accepted(number) for number in range(BATCH_SIZE)))
        for number in range(BATCH_SIZE):
            await enqueue_client.enqueue(build_status_sync(ORDER_ID, number))

        async with failure(replica):
            number, pushes = BATCH_SIZE, 0
            while (status := await push_client.push(number)) == 200:
                number, pushes = number + 1, pushes + 1
                assert pushes < MAX_PUSHES
            statuses = [
                status,
                *await asyncio.gather(
                    *(push_client.push(number + offset) for offset in range(1, BATCH_SIZE))
                ),
            ]
            rejected_sync = build_status_sync(ORDER_ID, BATCH_SIZE)
            errors = [
                await expect_failure(
                    enqueue_client.stubs[0].EnqueueSync(rejected_sync, timeout=CALL_TIMEOUT_S)
                ),
                await expect_failure(
                    enqueue_client.stubs[0].PullMessages(
                        protos.PullMessagesRequest(subscription="new", create_if_missing={}),
                        timeout=CALL_TIMEOUT_S,
                    )
                ),
            ]
            is_ready = await asyncio.to_thread(replica.is_ready)
        ended = time.monotonic()

        while not await asyncio.to_thread(replica.is_ready):
            await asyncio.sleep(0.05)
        await asyncio.gather(
            *(push_client.push_until_accepted(number + offset) for offset in range(BATCH_SIZE))
        )
        await enqueue_client.enqueue(rejected_sync)
        accepted_after_s = time.monotonic() - ended
        while await enqueue_client.count_pending() or not log.acknowledged >= push_client.accepted_ms.keys():
            await asyncio.sleep(0.05)
        done_after_s = time.monotonic() - ended
        deliveries = await enqueue_client.list_deliveries()
        consumption.cancel()
        await asyncio.wait([consumption])

    assert set(statuses) == {503}
    assert {error[:2] for error in errors} == {("UNAVAILABLE", "STORE_UNAVAILABLE")}
    assert all(error.retry_delay_s > 0 for error in errors)
    assert not is_ready
    assert log.acknowledged == set(range(number + BATCH_SIZE))
    assert {delivery.state for delivery in deliveries} == {protos.DELIVERY_STATE_DELIVERED}
    assert {delivery.delivery_id for delivery in deliveries} == set(enqueue_client.accepted.values())
    numbers = parse_sent_numbers(sandbox.admin("GET", f"synced/orders/{ORDER_ID}"))
    assert are_in_order(numbers)
    assert numbers[-1] == BATCH_SIZE
    return (
        f"{len(statuses)} pushes and 2 calls failed; accepted again after {accepted_after_s:.1f} s; "
        f"{len(log.acknowledged)} messages and {len(deliveries)} deliveries done after {done_after_s:.1f} s"
    )


@pytest.mark.parametrize("failure", [locked, removed], ids=lambda failure: failure.__name__)
async def test_sqlite_file_unavailable(failure, start_replica, tmp_path, sandbox, report):
    replica = start_replica(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    report(await check_recovery(failure, replica, sandbox))


async def test_sqlite_on_a_full_disk(disk, start_replica, sandbox, report):
    replica = start_replica(f"sqlite+aiosqlite:///{disk.directory}/store.db")
    try:
        report(f"{disk.description}: " + await check_recovery(fill(disk), replica, sandbox))
    finally:
        replica.stop()  # before the disk is unmounted


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
async def test_postgresql_unavailable(signal_number, dedicated_postgres, start_replica, sandbox, report):
    replica = start_replica(dedicated_postgres.url())
    report(await check_recovery(stop_server(dedicated_postgres, signal_number), replica, sandbox))
    assert replica.stop() == 0  # before the server stops


async def test_sqlite_restarted_on_a_read_only_disk(disk, start_replica, sandbox, report):
    replica = start_replica(f"sqlite+aiosqlite:///{disk.directory}/store.db")
    try:
        async with asyncio.timeout(TIMEOUT_S), PushClient([replica.callback]) as push_client:
            await asyncio.gather(*(push_client.push_until_accepted(number) for number in range(BATCH_SIZE)))
            replica.kill()
            disk.set_read_only(True)
            await asyncio.to_thread(replica.start)
            assert {await push_client.push(BATCH_SIZE + number) for number in range(BATCH_SIZE)} == {503}
            assert not await asyncio.to_thread(replica.is_ready)
            disk.set_read_only(False)
            started = time.monotonic()
            await asyncio.gather(
                *(push_client.push_until_accepted(BATCH_SIZE + number) for number in range(BATCH_SIZE))
            )
            report(f"accepted again {time.monotonic() - started:.1f} s after the disk was writable")

            log = DeliveryLog("kept")
            consumer = Consumer(log, replica.grpc)
            consumption = asyncio.create_task(consumer.pull())
            while len(log.acknowledged) < 2 * BATCH_SIZE:
                await asyncio.sleep(0.05)
            consumption.cancel()
            await asyncio.wait([consumption])
    finally:
        replica.stop()  # before the disk is unmounted
