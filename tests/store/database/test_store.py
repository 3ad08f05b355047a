"""Units of work: savepoints, cancellation, limits and timeouts."""

import asyncio
import threading

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError

from services.errors import StartupError, StoreUnavailable
from services.store import StoreLimits, open_store
from services.store.database.schema import leases
from tests.store.factories import wait_until


def build_insert(name):
    return insert(leases).values(name=name, holder="h", expire_time_ms=1)


async def write_row(store, name):
    await store.write(lambda connection: connection.execute(build_insert(name)))


async def read_names(store):
    rows = await store.read(lambda connection: connection.execute(select(leases.c.name)))
    return {name for name in rows.scalars() if name != "retention"}


async def test_a_failed_unit_of_work_rolls_back_only_its_own_changes(storage):
    async def failing(connection):
        await connection.execute(build_insert("lost"))
        raise KeyError("bug")

    results = await asyncio.gather(
        *(write_row(storage.store, f"n{number}") for number in range(5)),
        storage.store.write(failing),
        write_row(storage.store, "n0"),
        *(write_row(storage.store, f"n{number}") for number in range(5, 9)),
        return_exceptions=True,
    )

    assert [type(error).__name__ for error in results if error] == ["KeyError", "IntegrityError"]
    assert await read_names(storage.store) == {f"n{number}" for number in range(9)}


async def test_a_unit_of_work_completes_when_its_caller_is_cancelled(storage):
    started, may_finish = asyncio.Event(), asyncio.Event()

    async def slow(connection):
        started.set()
        await may_finish.wait()
        await connection.execute(build_insert("slow"))

    writing = asyncio.create_task(storage.store.write(slow))
    await started.wait()
    writing.cancel()
    await asyncio.wait([writing])
    may_finish.set()
    async with asyncio.timeout(5):
        while await read_names(storage.store) != {"slow"}:
            await asyncio.sleep(0.005)


async def test_cancelled_calls_leak_no_connections(open_storage):
    async with open_storage(store=StoreLimits(max_connections=2)) as storage:
        for number in range(100):
            writing = asyncio.create_task(write_row(storage.store, f"n{number}"))
            for _ in range(number % 20):
                await asyncio.sleep(0)
            writing.cancel()
        await asyncio.gather(*(read_names(storage.store) for _ in range(50)))
        await write_row(storage.store, "after")


async def test_failed_writes_leak_no_connections(storage):
    """With SQLite each connection is a thread. Readers' connections are closed as well."""

    async def fail(_):
        raise OperationalError("", {}, Exception("disk I/O error"))

    async def read_for_a_while(connection):
        await connection.execute(text("SELECT 1"))
        for _ in range(20):
            await asyncio.sleep(0)

    before = threading.active_count()
    for _ in range(20):
        readers = [asyncio.create_task(storage.store.read(read_for_a_while)) for _ in range(3)]
        with pytest.raises(StoreUnavailable):
            await storage.store.write(fail)
        await asyncio.gather(*readers)
    await write_row(storage.store, "after")
    assert threading.active_count() <= before + storage.store.limits.max_connections


async def test_calls_above_max_pending_are_rejected_at_once(open_storage):
    may_finish = asyncio.Event()
    async with open_storage(store=StoreLimits(max_pending=3)) as storage:
        waiting = [asyncio.create_task(storage.store.write(lambda _: may_finish.wait())) for _ in range(5)]
        await wait_until(lambda: any(task.done() for task in waiting))
        with pytest.raises(StoreUnavailable, match="too many"):
            await write_row(storage.store, "too many")
        may_finish.set()
        await asyncio.wait(waiting)
        # The storage's background tasks may have been among them.
        assert 1 <= sum(task.exception() is None for task in waiting) <= 3
        await write_row(storage.store, "again")


async def test_a_slow_unit_of_work_times_out(open_storage):
    async with open_storage(store=StoreLimits(transaction_timeout_s=0.1)) as storage:
        with pytest.raises(StoreUnavailable):
            await storage.store.write(lambda _: asyncio.Event().wait())
    async with open_storage() as storage:
        await write_row(storage.store, "after")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://x",
        "sqlite:///x.db",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "postgresql+psycopg://user:geheim@localhost:notaport/x",
        "postgresql+psycopg://user:geheim@/x?host=/nowhere",
        "sqlite+aiosqlite:////proc/nowhere/store.db",
    ],
)
async def test_an_invalid_url_raises_startup_error_without_secrets(url):
    with pytest.raises(StartupError) as caught:
        async with open_store(url):
            pass
    assert caught.value.lines
    assert "geheim" not in str(caught.value)
