"""SQLite while its file is locked, full, removed, replaced or read only, and afterwards."""

import asyncio
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.errors import StoreUnavailable
from services.store import IncomingMessage, StorageConfig, StoreLimits, migrate, storage_lifespan
from services.store.database.sqlite import MAX_IDLE_JOURNAL_BYTES
from tests.store.factories import build_message, sweep, wait_until
from tests.support.event_loop import run_turns

SHORT_TIMEOUTS = StoreLimits(
    lock_timeout_s=0.2, statement_timeout_s=2, transaction_timeout_s=3, health_timeout_s=0.5
)

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


@pytest.fixture
def database_file(tmp_path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def storage(database_file):
    async with storage_lifespan(
        f"sqlite+aiosqlite:///{database_file}", StorageConfig(store=SHORT_TIMEOUTS)
    ) as storage:
        yield storage


async def test_every_commit_is_synced(storage):
    async def pragmas(connection):
        return {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in PRAGMAS}

    for run in (storage.store.read, storage.store.write):
        assert await run(pragmas) == PRAGMAS


async def test_locked_by_another_process(storage, database_file):
    holder = sqlite3.connect(database_file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await storage.inbox.store([build_message(1)])
    assert not await storage.store.is_healthy(), "reads still succeed, but the probe writes"
    holder.execute("ROLLBACK")
    holder.close()
    assert await storage.store.is_healthy(), "without another write"
    assert (await storage.inbox.store([build_message(1)])).new_ids == ["m1"]


async def test_waits_for_a_short_lock(database_file):
    async with storage_lifespan(f"sqlite+aiosqlite:///{database_file}") as storage:
        holder = sqlite3.connect(database_file, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        storing = asyncio.create_task(storage.inbox.store([build_message(1)]))
        await asyncio.sleep(0.05)
        holder.execute("ROLLBACK")
        holder.close()
        assert (await storing).new_ids == ["m1"]


async def test_disk_full(storage):
    engine = storage.store._engine._engine.sync_engine
    full = "PRAGMA max_page_count = 1"  # SQLite takes the present number of pages as the minimum

    @event.listens_for(engine, "checkout")
    def shrink(connection, _record, _proxy):
        connection.cursor().execute(full)

    big = IncomingMessage(
        message_id="big", topic="T", ordering_key=None, event_time_ms=1, member_id="", raw=b"x" * 300_000
    )
    errors = await asyncio.gather(
        storage.inbox.store([big]), storage.inbox.store([build_message(1)]), return_exceptions=True
    )
    assert all(isinstance(error, StoreUnavailable) for error in errors)
    assert "full" in str(errors[0])

    full = "PRAGMA max_page_count = 4294967294"
    assert (await storage.inbox.store([big])).new_ids == ["big"]
    assert (await storage.inbox.store([build_message(1)])).new_ids == ["m1"]


async def test_file_removed_and_restored(storage, database_file, tmp_path):
    await storage.inbox.store([build_message(1)])
    away = tmp_path / "away"
    away.mkdir()
    for part in tmp_path.glob("store.db*"):
        part.rename(away / part.name)

    with pytest.raises(StoreUnavailable, match="removed"):
        await storage.inbox.store([build_message(2)])
    assert not await storage.store.is_healthy()
    assert not database_file.exists(), "it is not replaced by a new one"

    for part in away.iterdir():
        part.rename(tmp_path / part.name)
    assert (await storage.inbox.store([build_message(1), build_message(2)])).new_ids == ["m2"]


async def test_file_replaced(storage, database_file, tmp_path):
    await storage.inbox.store([build_message(1)])
    for part in tmp_path.glob("store.db*"):
        part.unlink()
    await asyncio.to_thread(migrate, f"sqlite+aiosqlite:///{database_file}")

    # The first write may fail. No write may succeed in the file that is gone.
    try:
        stored = await storage.inbox.store([build_message(1)])
    except StoreUnavailable:
        stored = await storage.inbox.store([build_message(1)])
    assert stored.new_ids == ["m1"]
    assert sqlite3.connect(database_file).execute("SELECT message_id FROM messages").fetchall() == [("m1",)]


async def test_file_recreated_after_a_failed_write(storage, database_file, tmp_path):
    for part in tmp_path.glob("store.db*"):
        part.unlink()
    with pytest.raises(StoreUnavailable, match="removed"):
        await storage.inbox.store([build_message(1)])
    await asyncio.to_thread(migrate, f"sqlite+aiosqlite:///{database_file}")

    # Every connection was closed after the failed write, so this write goes to the new file.
    assert (await storage.inbox.store([build_message(1)])).new_ids == ["m1"]


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
async def test_journal_removed(storage, database_file, tmp_path, suffix):
    """What was acknowledged before and afterwards is in the files that are there."""
    acknowledged = set((await storage.inbox.store([build_message(1)])).new_ids)
    await sweep(storage)  # else the first sweep of the storage may be the one that fails
    database_file.with_name(f"store.db{suffix}").unlink()
    assert not await storage.store.is_healthy()
    with suppress(StoreUnavailable):  # the write that notices it fails; it may be one of the retention
        acknowledged.update((await storage.inbox.store([build_message(2)])).new_ids)
    for number in (3, 4):
        acknowledged.update((await storage.inbox.store([build_message(number)])).new_ids)
    assert await storage.store.is_healthy()
    assert acknowledged >= {"m1", "m3", "m4"}
    assert acknowledged <= read_copy(database_file, tmp_path / "copy")


async def test_the_journal_is_kept_until_its_content_is_in_the_database(storage, database_file, tmp_path):
    """A reader of an older state prevents that. The connections are the last that have the journal."""
    reader = sqlite3.connect(database_file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    await storage.inbox.store([build_message(1)])
    database_file.with_name("store.db-wal").unlink()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="journal was removed"):
            await storage.inbox.store([build_message(2)])
    reader.close()
    with suppress(StoreUnavailable):  # the write that saves the journal fails; it may be one of the retention
        await storage.inbox.store([build_message(2)])
    await storage.inbox.store([build_message(3)])
    assert {"m1", "m3"} <= read_copy(database_file, tmp_path / "copy")


def read_copy(database_file: Path, directory: Path) -> set[str]:
    """Return the ids of the messages in a copy of the files, as after a power failure."""
    directory.mkdir()
    for part in database_file.parent.glob("store.db*"):
        shutil.copy(part, directory / part.name)
    with closing(sqlite3.connect(directory / "store.db")) as connection:
        return {message_id for (message_id,) in connection.execute("SELECT message_id FROM messages")}


async def test_read_only(storage):
    engine = storage.store._engine._engine.sync_engine
    query_only = "ON"

    @event.listens_for(engine, "checkout")
    def set_query_only(connection, _record, _proxy):
        connection.cursor().execute(f"PRAGMA query_only = {query_only}")

    with pytest.raises(StoreUnavailable, match="read only"):
        await storage.inbox.store([build_message(1)])
    query_only = "OFF"
    assert (await storage.inbox.store([build_message(1)])).new_ids == ["m1"]


async def test_the_journal_is_checkpointed_and_truncated_after_a_long_reader(storage, database_file):
    journal = database_file.with_name("store.db-wal")
    reader = sqlite3.connect(database_file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    big = msgspec.structs.replace(build_message(1), raw=b"x" * (MAX_IDLE_JOURNAL_BYTES + 1))
    await storage.inbox.store([big])
    await storage.store.clock.synchronize(storage.store)
    assert journal.stat().st_size > MAX_IDLE_JOURNAL_BYTES
    reader.execute("COMMIT")

    # This is what an idle service does.
    for _ in range(2):
        await storage.store.clock.synchronize(storage.store)

    assert journal.stat().st_size <= MAX_IDLE_JOURNAL_BYTES
    assert database_file.stat().st_size > MAX_IDLE_JOURNAL_BYTES
    reader.close()


async def test_callers_get_their_error_if_the_connections_cannot_be_closed(database_file, monkeypatch):
    """And not the one that time ran out."""

    async def fail(_self):
        raise OSError("cannot be closed")

    async def fail_write(_connection):
        raise OperationalError("", {}, Exception("disk I/O error"))

    async with storage_lifespan(f"sqlite+aiosqlite:///{database_file}") as storage:
        with monkeypatch.context() as patched:
            patched.setattr(AsyncEngine, "dispose", fail)
            with pytest.raises(StoreUnavailable, match="no connection"):
                await storage.store.write(fail_write)
        assert (await storage.inbox.store([build_message(1)])).new_ids == ["m1"]


async def test_a_reader_waits_again_if_the_connections_are_closed_again(storage):
    """Between its notification and its next step, another write may have failed."""
    engine = storage.store._engine
    await wait_until(lambda: not engine._reader_count)
    engine._is_open.clear()
    reading = asyncio.create_task(
        storage.store.read(lambda connection: connection.exec_driver_sql("SELECT 1"))
    )
    await run_turns(5)
    engine._is_open.set()
    engine._is_open.clear()
    await run_turns(5)
    assert engine._has_no_readers.is_set(), "the connections are being closed"
    engine._is_open.set()
    assert (await reading).scalar() == 1
