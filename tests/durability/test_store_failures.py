"""The store locked, full, gone or stopped under a running service: told clearly, and over by itself."""

import asyncio
import random
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
from tests.durability.calls import parse_failure
from tests.durability.conftest import SEED
from tests.durability.consuming import Consumer, Ledger
from tests.durability.disks import LimitedFiles, SmallDisk, small_disk
from tests.durability.enqueuing import Shop, in_sequence, sent_numbers, status_sync
from tests.durability.pushing import Platform
from tests.durability.replicas import Replica
from tests.support.postgres import PostgresServer, postgres_server

pytestmark = pytest.mark.durability

KEY = 4_590_347_000_000_000
EACH = 20
"""Messages before, during and after; and as many deliveries."""
MOST_TRIES = 2000
"""Pushes until a full disk is noticed: what the journal has of room already is used first."""
CALL_S = 20
WITHIN_S = 90

Trouble = Callable[[Replica], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def locked(replica: Replica) -> AsyncIterator[None]:
    """Another process writes, and does not end."""
    holder = sqlite3.connect(replica.database_url.partition("///")[2], isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


@asynccontextmanager
async def removed(replica: Replica) -> AsyncIterator[None]:
    """The store's files are somewhere else for a while."""
    file = Path(replica.database_url.partition("///")[2])
    away = file.parent / "away"
    away.mkdir()
    for one in file.parent.glob(file.name + "*"):
        one.rename(away / one.name)
    try:
        yield
    finally:
        for one in away.iterdir():
            one.rename(file.parent / one.name)


def full(disk: SmallDisk | LimitedFiles) -> Trouble:
    """There is no room left on the store's disk."""

    @asynccontextmanager
    async def without_room(replica: Replica) -> AsyncIterator[None]:
        assert replica.running is not None
        pid = replica.running.process.pid
        disk.fill(pid)
        try:
            yield
        finally:
            disk.clear(pid)

    return without_room


def away(server: PostgresServer, number: int) -> Trouble:
    """PostgreSQL is stopped, or crashes, and is started later."""

    @asynccontextmanager
    async def stopped(replica: Replica) -> AsyncIterator[None]:
        await asyncio.to_thread(server.stop, number)
        try:
            yield
        finally:
            await asyncio.to_thread(server.start)

    return stopped


@pytest.fixture
def disk(tmp_path) -> Iterator[SmallDisk | LimitedFiles]:
    with small_disk(tmp_path / "disk") as found:
        yield found


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        migrate(running.url())
        yield running


async def expect_failure(calling: Awaitable[object]) -> tuple[str, str, float | None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await calling
    return parse_failure(caught.value)


async def lives_through(trouble: Trouble, replica: Replica, sandbox) -> str:
    """Push, enqueue and consume before, during and after a trouble; return what to report."""
    ledger = Ledger("trouble")
    async with (
        asyncio.timeout(WITHIN_S),
        Platform([replica.callback]) as platform,
        Shop([replica.grpc]) as shop,
    ):
        consumer = Consumer("stream", ledger, [replica.grpc], random.Random(SEED))
        consuming = asyncio.create_task(consumer.stream())
        # Slowly sent: some of the accepted deliveries are still to go when the trouble comes.
        sandbox.inject_fault({"latency_ms": 100}, operation="trade.cross.orderStatusSync", times=EACH)
        await asyncio.gather(*(platform.push_until_taken(number) for number in range(EACH)))
        for number in range(EACH):
            await shop.enqueue(status_sync(KEY, number))

        async with trouble(replica):
            number, tries = EACH, 0
            while (status := await platform.push(number)) == 200:
                number, tries = number + 1, tries + 1
                assert tries < MOST_TRIES
            lost = [status, *await asyncio.gather(*(platform.push(number + more) for more in range(1, EACH)))]
            late = status_sync(KEY, EACH)
            answers = [
                await expect_failure(shop.stubs[0].EnqueueSync(late, timeout=CALL_S)),
                await expect_failure(
                    shop.stubs[0].PullMessages(protos.PullMessagesRequest(subscription="new"), timeout=CALL_S)
                ),
            ]
            ready = await asyncio.to_thread(replica.ready)
        ended = time.monotonic()

        while not await asyncio.to_thread(replica.ready):
            await asyncio.sleep(0.05)
        await asyncio.gather(*(platform.push_until_taken(number + more) for more in range(EACH)))
        await shop.enqueue(late)
        accepted_s = time.monotonic() - ended
        while await shop.pending() or not ledger.acknowledged >= platform.accepted_ms.keys():
            await asyncio.sleep(0.05)
        all_s = time.monotonic() - ended
        deliveries = await shop.deliveries()
        consuming.cancel()
        await asyncio.wait([consuming])

    assert set(lost) == {503}
    assert {answer[:2] for answer in answers} == {("UNAVAILABLE", "STORE_UNAVAILABLE")}
    assert all(answer[2] > 0 for answer in answers)
    assert not ready
    assert ledger.acknowledged == set(range(number + EACH))
    assert {one.state for one in deliveries} == {protos.DELIVERY_STATE_DELIVERED}
    assert {one.delivery_id for one in deliveries} == set(shop.accepted.values())
    numbers = sent_numbers(sandbox.admin("GET", f"synced/orders/{KEY}"))
    assert in_sequence(numbers)
    assert numbers[-1] == EACH
    return (
        f"{len(lost)} pushes and 2 calls refused; taken again {accepted_s:.1f} s after the trouble, all "
        f"{len(ledger.acknowledged)} messages and {len(deliveries)} deliveries done after {all_s:.1f} s"
    )


@pytest.mark.parametrize("trouble", [locked, removed], ids=lambda trouble: trouble.__name__)
async def test_sqlite_out_of_reach(trouble, started, tmp_path, sandbox, report):
    replica = started(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    report(await lives_through(trouble, replica, sandbox))


async def test_sqlite_on_a_full_disk(disk, started, sandbox, report):
    replica = started(f"sqlite+aiosqlite:///{disk.directory}/store.db")
    try:
        report(f"{disk.how}: " + await lives_through(full(disk), replica, sandbox))
    finally:
        replica.stop()  # before its disk is taken away


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
async def test_postgresql_away(number, own_server, started, sandbox, report):
    replica = started(own_server.url())
    report(await lives_through(away(own_server, number), replica, sandbox))
    assert replica.stop() == 0  # before its server is taken away


async def test_sqlite_restarted_on_a_read_only_disk(disk, started, sandbox, report):
    replica = started(f"sqlite+aiosqlite:///{disk.directory}/store.db")
    try:
        async with asyncio.timeout(WITHIN_S), Platform([replica.callback]) as platform:
            await asyncio.gather(*(platform.push_until_taken(number) for number in range(EACH)))
            replica.kill()
            disk.set_read_only(True)
            await asyncio.to_thread(replica.start)
            assert {await platform.push(EACH + number) for number in range(EACH)} == {503}
            assert not await asyncio.to_thread(replica.ready)
            disk.set_read_only(False)
            began = time.monotonic()
            await asyncio.gather(*(platform.push_until_taken(EACH + number) for number in range(EACH)))
            report(f"taken again {time.monotonic() - began:.1f} s after the disk could be written")

            ledger = Ledger("kept")
            consumer = Consumer("pull", ledger, [replica.grpc], random.Random(SEED))
            consuming = asyncio.create_task(consumer.pull())
            while len(ledger.acknowledged) < 2 * EACH:
                await asyncio.sleep(0.05)
            consuming.cancel()
            await asyncio.wait([consuming])
    finally:
        replica.stop()  # before its disk is taken away
