"""Units of work: savepoints, cancellation, limits and timeouts."""

import asyncio
import threading

import pytest
import structlog
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError

from services.caller import Caller, set_caller
from services.errors import StartupError, StoreUnavailable
from services.store import StoreLimits, open_store
from services.store.database import store
from services.store.database.schema import leases
from tests.store.factories import wait_until
from tests.store.lost_commits import lose_commits
from tests.support.event_loop import run_turns


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

    # PostgreSQL may give "n0" to either of its two writers.
    assert sorted(type(error).__name__ for error in results if error) == ["IntegrityError", "KeyError"]
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


def start(caller, run, work):
    """Start a unit of work of a caller, in a task."""

    async def call():
        set_caller(Caller(caller))
        return await run(work)

    return asyncio.create_task(call())


@pytest.mark.parametrize("kind", ["read", "write"])
async def test_a_modest_caller_waits_behind_one_unit_of_work_of_each_other(open_storage, monkeypatch, kind):
    monkeypatch.setattr(store, "MAX_SQLITE_WRITES", 2)
    may_finish, order = asyncio.Semaphore(0), []

    def unit_of(caller):
        async def work(_connection):
            order.append(caller)
            await may_finish.acquire()

        return work

    async with open_storage(store=StoreLimits(max_connections=3)) as storage:
        run = storage.store.read if kind == "read" else storage.store.write
        calls = [start(caller, run, unit_of(caller)) for _ in range(20) for caller in "gh"]
        slots = 3 if storage.store.url.startswith("postgresql") else 1
        await wait_until(lambda: len(order) >= slots)
        await run_turns()
        calls.append(start("modest", run, unit_of("modest")))
        await run_turns()
        while "modest" not in order:  # one at a time: each slot leads to a connection, which may be slower
            begun = len(order)
            may_finish.release()
            await wait_until(lambda begun=begun: len(order) > begun)
        for _ in calls:
            may_finish.release()
        await asyncio.gather(*calls)
        before = order[: order.index("modest")]
        assert before.count("g") + before.count("h") <= 3 + 2, "those that hold a slot, and one of each"


async def test_a_full_store_rejects_calls_of_the_caller_with_the_most(open_storage):
    may_finish = asyncio.Event()
    async with open_storage(store=StoreLimits(max_connections=2, max_pending=6)) as storage:
        read = storage.store.read
        greedy = [start("greedy", read, lambda _: may_finish.wait()) for _ in range(10)]
        await wait_until(lambda: any(task.done() for task in greedy))
        modest = start("modest", read, lambda _: may_finish.wait())
        rejected, _ = await asyncio.wait(greedy, timeout=0)
        await wait_until(lambda: sum(task.done() for task in greedy) > len(rejected))
        may_finish.set()
        await modest
        await asyncio.wait(greedy)
        errors = [task.exception() for task in greedy if task.exception()]
        assert errors
        assert all(isinstance(error, StoreUnavailable) and "of this caller" in str(error) for error in errors)
        await read_names(storage.store)


async def test_a_slow_unit_of_work_times_out(open_storage):
    async with open_storage(store=StoreLimits(transaction_timeout_s=0.1)) as storage:
        with pytest.raises(StoreUnavailable):
            await storage.store.write(lambda _: asyncio.Event().wait())
    async with open_storage() as storage:
        await write_row(storage.store, "after")


async def test_what_follows_a_commit_happens_even_if_the_caller_is_cancelled(storage):
    for turns in range(0, 40, 4):
        committed = []
        writing = asyncio.create_task(
            storage.store.write(lambda connection: connection.scalar(text("SELECT 7")), committed.append)
        )
        for _ in range(turns + 1):
            await asyncio.sleep(0)
        writing.cancel()
        await wait_until(lambda committed=committed: committed == [7])


@pytest.mark.parametrize(("failures", "names"), [(3, {"settled"}), (1000, set())])
async def test_a_write_that_must_be_settled_is_retried_for_a_while(storage, failures, names):
    committed = []
    with structlog.testing.capture_logs() as logs, lose_commits(storage.store, failed=failures) as lost:
        await storage.store.settle(
            lambda connection: connection.execute(build_insert("settled")),
            on_commit=committed.append,
            within_s=1,
            what="test",
        )
        assert lost.failed == 1, "it returns, and retries in the background"
        await wait_until(lambda: bool(committed) or any(line["event"] == "write_given_up" for line in logs))
    assert await read_names(storage.store) == names


async def test_the_number_of_retried_writes_is_limited(storage, monkeypatch):
    monkeypatch.setattr(store, "MAX_RETRIED_WRITES", 1)
    with structlog.testing.capture_logs() as logs, lose_commits(storage.store, failed=2):
        for name in ("a", "b"):
            await storage.store.settle(
                lambda connection, name=name: connection.execute(build_insert(name)), within_s=60, what=name
            )
        assert [line["what"] for line in logs if line["event"] == "write_given_up"] == ["b"]
        async with asyncio.timeout(10):
            while await read_names(storage.store) != {"a"}:
                await asyncio.sleep(0.005)


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
