"""The store itself: units of work, and what happens when it is locked, full, gone, away, or comes back."""

import asyncio
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import OperationalError

from services.errors import StartupError, StoreUnavailable
from services.store import (
    Delivered,
    IncomingMessage,
    StorageConfig,
    StoreLimits,
    migrate,
    open_store,
    storage_lifespan,
)
from services.store.database.engine import parse_url
from services.store.database.schema import leases
from services.store.database.schema_migrations import connect
from tests.store.given import NAME, message, order, until
from tests.support.postgres import create_database, postgres_server

IMPATIENT = StoreLimits(
    lock_timeout_s=0.2, statement_timeout_s=2, transaction_timeout_s=3, health_timeout_s=0.5
)

LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


def lease_row(name):
    return insert(leases).values(name=name, holder="h", expire_time_ms=1)


async def put(store, name):
    await store.write(lambda connection: connection.execute(lease_row(name)))


async def names(store):
    found = await store.read(lambda connection: connection.execute(select(leases.c.name)))
    return {name for name in found.scalars() if name != "retention"}


async def test_what_fails_takes_back_its_own_changes_only(storage):
    async def failing(connection):
        await connection.execute(lease_row("lost"))
        raise KeyError("ours")

    done = await asyncio.gather(
        *(put(storage.store, f"n{number}") for number in range(5)),
        storage.store.write(failing),
        put(storage.store, "n0"),
        *(put(storage.store, f"n{number}") for number in range(5, 9)),
        return_exceptions=True,
    )

    assert [type(one).__name__ for one in done if one] == ["KeyError", "IntegrityError"]
    assert await names(storage.store) == {f"n{number}" for number in range(9)}


async def test_a_unit_of_work_is_finished_though_its_caller_leaves(storage):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(connection):
        begun.set()
        await go_on.wait()
        await connection.execute(lease_row("slow"))

    leaving = asyncio.create_task(storage.store.write(slow))
    await begun.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    go_on.set()
    async with asyncio.timeout(5):
        while await names(storage.store) != {"slow"}:
            await asyncio.sleep(0.005)


async def test_many_cancelled_calls_cost_no_connection(opened):
    async with opened(store=StoreLimits(max_connections=2)) as storage:
        for number in range(100):
            leaving = asyncio.create_task(put(storage.store, f"n{number}"))
            for _ in range(number % 20):
                await asyncio.sleep(0)
            leaving.cancel()
        await asyncio.gather(*(names(storage.store) for _ in range(50)))
        await put(storage.store, "after")


async def test_more_than_may_wait_is_refused_at_once(opened):
    go_on = asyncio.Event()
    async with opened(store=StoreLimits(max_pending=3)) as storage:
        waiting = [asyncio.create_task(storage.store.write(lambda _: go_on.wait())) for _ in range(5)]
        await until(lambda: any(task.done() for task in waiting))
        with pytest.raises(StoreUnavailable, match="too many"):
            await put(storage.store, "too many")
        go_on.set()
        await asyncio.wait(waiting)
        # The storage's own work, sweeping and looking, may have been among them.
        assert 1 <= sum(task.exception() is None for task in waiting) <= 3
        await put(storage.store, "again")


async def test_a_unit_of_work_that_takes_too_long_is_ended(opened):
    async with opened(store=StoreLimits(transaction_timeout_s=0.1)) as storage:
        with pytest.raises(StoreUnavailable):
            await storage.store.write(lambda _: asyncio.Event().wait())
    async with opened() as storage:
        await put(storage.store, "after")


@pytest.mark.parametrize(
    "bad",
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
async def test_a_url_that_cannot_be_opened_stops_the_start_without_telling_secrets(bad):
    with pytest.raises(StartupError) as caught:
        async with open_store(bad):
            pass
    assert caught.value.lines
    assert "geheim" not in str(caught.value)


@pytest.mark.postgres
async def test_postgresql_has_to_be_migrated_by_command():
    with postgres_server() as server:
        with pytest.raises(StartupError, match="migrate"):
            async with open_store(server.url()):
                pass
        await asyncio.gather(*(asyncio.to_thread(migrate, server.url()) for _ in range(5)))
        async with open_store(server.url()) as store:
            assert await store.is_healthy()


async def test_processes_that_start_together_migrate_once(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path}/new/store.db"
    await asyncio.gather(*(asyncio.to_thread(migrate, url) for _ in range(5)))
    async with open_store(url) as store:
        assert await store.is_healthy()


@pytest.mark.parametrize(("revision", "told"), [("9999", "newer than this release"), (None, "not current")])
@pytest.mark.postgres
async def test_a_schema_of_another_release_is_refused(server, revision, told):
    url = create_database(server)
    with connect(parse_url(url)) as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(text("INSERT INTO alembic_version VALUES (:one)"), {"one": revision})
    with pytest.raises(StartupError, match=told):
        async with open_store(url):
            pass


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def lite(file):
    async with storage_lifespan(f"sqlite+aiosqlite:///{file}", StorageConfig(store=IMPATIENT)) as storage:
        yield storage


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


async def test_sqlite_syncs_every_commit(lite):
    async def pragmas(connection):
        return {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in PRAGMAS}

    for run in (lite.store.read, lite.store.write):
        assert await run(pragmas) == PRAGMAS


async def test_sqlite_locked_by_another_process(lite, file):
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await lite.inbox.store([message(1)])
    assert not await lite.store.is_healthy(), "reading goes on, and is not enough"
    holder.execute("ROLLBACK")
    holder.close()
    assert await lite.store.is_healthy(), "without anybody's writing"
    assert (await lite.inbox.store([message(1)])).new_ids == ["m1"]


async def test_sqlite_waits_for_a_lock_that_is_short(file):
    async with storage_lifespan(f"sqlite+aiosqlite:///{file}") as storage:
        holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        storing = asyncio.create_task(storage.inbox.store([message(1)]))
        await asyncio.sleep(0.05)
        holder.execute("ROLLBACK")
        holder.close()
        assert (await storing).new_ids == ["m1"]


async def test_sqlite_disk_full(lite):
    engine = lite.store._engine._engine.sync_engine
    full = "PRAGMA max_page_count = 1"  # as many as there are: less cannot be set

    @event.listens_for(engine, "checkout")
    def shrink(connection, _record, _proxy):
        connection.cursor().execute(full)

    big = IncomingMessage(
        message_id="big", topic="T", ordering_key=None, event_time_ms=1, member_id="", raw=b"x" * 300_000
    )
    stored = await asyncio.gather(
        lite.inbox.store([big]), lite.inbox.store([message(1)]), return_exceptions=True
    )
    assert all(isinstance(one, StoreUnavailable) for one in stored)
    assert "full" in str(stored[0])

    full = "PRAGMA max_page_count = 4294967294"
    assert (await lite.inbox.store([big])).new_ids == ["big"]
    assert (await lite.inbox.store([message(1)])).new_ids == ["m1"]


async def test_sqlite_file_removed_and_put_back(lite, file, tmp_path):
    await lite.inbox.store([message(1)])
    away = tmp_path / "away"
    away.mkdir()
    for one in tmp_path.glob("store.db*"):
        one.rename(away / one.name)

    with pytest.raises(StoreUnavailable, match="removed"):
        await lite.inbox.store([message(2)])
    assert not await lite.store.is_healthy()
    assert not file.exists(), "no new one is begun in its place"

    for one in away.iterdir():
        one.rename(tmp_path / one.name)
    assert (await lite.inbox.store([message(1), message(2)])).new_ids == ["m2"]


async def test_sqlite_file_replaced(lite, file, tmp_path):
    await lite.inbox.store([message(1)])
    for one in tmp_path.glob("store.db*"):
        one.unlink()
    await asyncio.to_thread(migrate, f"sqlite+aiosqlite:///{file}")

    # Whoever writes first finds out; nobody is told that something was stored in the file that is gone.
    try:
        stored = await lite.inbox.store([message(1)])
    except StoreUnavailable:
        stored = await lite.inbox.store([message(1)])
    assert stored.new_ids == ["m1"]
    assert sqlite3.connect(file).execute("SELECT message_id FROM messages").fetchall() == [("m1",)]


async def test_sqlite_read_only(lite):
    engine = lite.store._engine._engine.sync_engine
    query_only = "ON"

    @event.listens_for(engine, "checkout")
    def shut(connection, _record, _proxy):
        connection.cursor().execute(f"PRAGMA query_only = {query_only}")

    with pytest.raises(StoreUnavailable, match="read only"):
        await lite.inbox.store([message(1)])
    query_only = "OFF"
    assert (await lite.inbox.store([message(1)])).new_ids == ["m1"]


@pytest.mark.postgres
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
async def test_postgresql_restarted_in_the_middle(number):
    """Nothing accepted is lost, what cannot be accepted is told, waiting consumers and the relay go on."""
    with postgres_server() as server:
        await asyncio.to_thread(migrate, server.url())
        async with (
            storage_lifespan(server.url(), StorageConfig(store=IMPATIENT)) as storage,
            storage_lifespan(server.url()) as other,
        ):
            received, sent, refused = set(), set(), 0

            async def consume():
                while True:
                    try:
                        for one in await other.dispatcher.lease(NAME, limit=10, lease_s=600, wait_s=5):
                            received.add(one.message_id)
                            await other.dispatcher.ack(NAME, [one.message_id])
                    except StoreUnavailable:
                        await asyncio.sleep(0.05)

            async def send(delivery):
                sent.add(delivery.request_id)
                return Delivered()

            await storage.subscriptions.get_or_create(NAME)
            consuming = asyncio.create_task(consume())
            async with other.build_relay(send).lifespan():
                await storage.inbox.store([message(0)])
                await until(lambda: received == {"m0"})
                await asyncio.to_thread(server.stop, number)
                assert not await storage.store.is_healthy()
                for call in (storage.inbox.store([message(1)]), storage.deliveries.enqueue(order(1))):
                    with pytest.raises(StoreUnavailable):
                        await call
                await asyncio.to_thread(server.start)

                for attempt in (storage.inbox.store, storage.deliveries.enqueue):
                    given = [message(2)] if attempt == storage.inbox.store else order(2)
                    async with asyncio.timeout(10):
                        while True:
                            try:
                                await attempt(given)
                                break
                            except StoreUnavailable:
                                refused += 1
                                await asyncio.sleep(0.05)
                await until(lambda: "m2" in received and "r2" in sent, timeout_s=20)
                assert refused <= 1
            consuming.cancel()
            await asyncio.wait([consuming])


@pytest.mark.postgres
async def test_a_lost_listener_comes_back_and_wakes_everybody(server):
    url = create_database(server)
    async with storage_lifespan(url) as storage:
        await storage.subscriptions.get_or_create(NAME)
        await until_listening(storage)
        ended = text(f"SELECT pg_terminate_backend(pid) {LISTENERS}")
        await storage.store.read(lambda connection: connection.execute(ended))
        with storage.notifier.watch("anything") as woken:
            async with asyncio.timeout(10):
                await woken.wait()
        await until_listening(storage)


async def until_listening(storage):
    statement = text(f"SELECT count(*) {LISTENERS}")
    async with asyncio.timeout(10):
        while not (await storage.store.read(lambda connection: connection.execute(statement))).scalar_one():
            await asyncio.sleep(0.01)


async def test_failures_leave_no_connection_behind(storage):
    """Each connection of SQLite is a thread; those that read while a write fails are closed, too."""

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
    await put(storage.store, "after")
    assert threading.active_count() <= before + storage.store.limits.max_connections
