"""SQLite as a store: one file, one writer, and one flush to disk for all writes that wait."""

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import structlog
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.errors import StoreUnavailable
from services.store.database.db_errors import copy_error, is_programming_error, translate_db_errors
from services.store.database.engine import StoreLimits, UnitOfWork
from services.store.database.sqlite_connection import SqliteConnection, open_connection

T = TypeVar("T")

BATCH_SIZE = 200
"""Units of work in one transaction, at most."""

MAX_IDLE_JOURNAL_BYTES = 4 * 2**20
"""Of the journal (WAL) while no transaction needs more."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # a committed transaction survives a power failure
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # deleted content is overwritten
    # A commit after the end of a long reader moves the journal into the database, and the next one truncates
    # it. The store's clock commits at least every 10 s.
    f"PRAGMA journal_size_limit = {MAX_IDLE_JOURNAL_BYTES}",
)
_CHECKPOINT_LOCK_TIMEOUT_MS, _CHECKPOINT_INTERVAL_S = 100, 0.2
"""While a checkpoint waits for readers, it blocks writers. So it waits briefly, and is tried again."""
_IS_WRITER = "nationalsite_is_writer"

_log = structlog.get_logger()


@dataclass(slots=True)
class _PendingWrite:
    work: UnitOfWork[Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class SqliteEngine:
    """Batches writes: those that arrive during one transaction share the next one.

    Each write has its own savepoint, so a failed one rolls back only its own changes.
    """

    name = "sqlite"
    is_pooled = False

    def __init__(self, url: URL, limits: StoreLimits) -> None:
        self._files = _DatabaseFiles(os.path.abspath(url.database or ""))
        self._engine = create_async_engine(
            url,
            pool_size=limits.max_connections,
            max_overflow=0,
            pool_timeout=limits.lock_timeout_s,
            async_creator=partial(
                open_connection, partial(_connect, self._files.path, limits.lock_timeout_s)
            ),
        )
        event.listen(self._engine.sync_engine, "begin", _begin)
        self._reader_count = 0
        self._has_no_readers, self._is_open = asyncio.Event(), asyncio.Event()
        self._has_no_readers.set()
        self._is_open.set()
        self._transaction_timeout_s = limits.transaction_timeout_s
        self._pending: deque[_PendingWrite] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._journal_lock = asyncio.Lock()
        """Held by a transaction that writes, and while the journal is emptied.

        Up to 3.51.2, SQLite can damage a database if both happen at the same instant
        (https://sqlite.org/wal.html#walresetbug).
        """

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work in the next transaction."""
        write = _PendingWrite(work, asyncio.get_running_loop().create_future())
        self._pending.append(write)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_pending())
        result: T = await write.future
        return result

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that only reads, concurrently with the writer."""
        async with self._read_guard():
            self._files.check()
            async with self._engine.begin() as connection:
                return await work(connection)

    async def scrub(self, *, timeout_s: float, rewrite: Sequence[str] = ()) -> bool:
        """Move the journal (WAL) into the database file, and empty the journal.

        Deleted content in the database file was already overwritten, because of `secure_delete`. But copies
        can remain in pages from which rows were moved to other pages. `rewrite` removes them, for all tables.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        async with self._read_guard():
            self._files.check()
            async with self._engine.connect() as connection:
                driver = await _get_driver(connection)  # neither statement may run in a transaction
                if rewrite:
                    # The temporary copy goes where the database is: there is space, and nobody else reads it.
                    os.environ["SQLITE_TMPDIR"] = os.path.dirname(self._files.path)
                    await driver.run(lambda sqlite: sqlite.execute("VACUUM").close())
                while not await self._truncate(driver):
                    if asyncio.get_running_loop().time() >= deadline:
                        return False
                    await asyncio.sleep(_CHECKPOINT_INTERVAL_S)
        return True

    async def _truncate(self, driver: SqliteConnection) -> bool:
        async with self._journal_lock:
            is_done: bool = await driver.run(_truncate_journal)
        return is_done

    async def close(self) -> None:
        """Wait for the writer, and close the file."""
        if self._writer is not None:
            await asyncio.wait([self._writer])
        await self._engine.dispose()

    async def _write_pending(self) -> None:
        while self._pending:
            batch = [self._pending.popleft() for _ in range(min(BATCH_SIZE, len(self._pending)))]
            batch = [write for write in batch if not write.future.done()]
            try:
                with translate_db_errors():
                    await self._write_batch(batch)
            except Exception as error:  # raised to every caller of the batch
                for write in batch:
                    write.error = copy_error(error)
                try:
                    await self._reconnect()
                except Exception as close_error:  # the callers must get the first error nevertheless
                    _log.exception("sqlite_not_closed", exc_info=close_error)
            for write in batch:
                if write.future.done():
                    continue
                if write.error is not None:
                    write.future.set_exception(write.error)
                else:
                    write.future.set_result(write.result)

    async def _write_batch(self, batch: Sequence[_PendingWrite]) -> None:
        self._files.check()
        async with self._journal_lock, self._engine.connect() as connection:
            await connection.execution_options(**{_IS_WRITER: True})
            if len(batch) == 1:
                await self._write_alone(connection, batch[0])
            else:
                async with connection.begin(), asyncio.timeout(self._transaction_timeout_s):
                    for write in batch:
                        await _run_in_savepoint(connection, write)
        self._files.check_commit()

    async def _write_alone(self, connection: AsyncConnection, write: _PendingWrite) -> None:
        """Run a write in a transaction of its own, which needs no savepoint."""
        try:
            async with connection.begin(), asyncio.timeout(self._transaction_timeout_s):
                write.result = await write.work(connection)
        except Exception as error:
            if _is_of_database(error) or isinstance(error, TimeoutError):
                raise
            write.error = error

    @asynccontextmanager
    async def _read_guard(self) -> AsyncIterator[None]:
        """Wait while `_reconnect` closes the connections. Keep it from closing them within the context."""
        while not self._is_open.is_set():  # it may have been cleared again before this task continues
            await self._is_open.wait()
        self._reader_count += 1
        self._has_no_readers.clear()
        try:
            yield
        finally:
            self._reader_count -= 1
            if not self._reader_count:
                self._has_no_readers.set()

    async def _reconnect(self) -> None:
        """Close every connection, after the readers are done. Each of them has a timeout.

        SQLite shares state between the connections of a process: if one was opened while the file was read
        only, later ones stay read only until all are closed.
        """
        self._is_open.clear()
        try:
            await self._has_no_readers.wait()
            if self._files.has_lost_journal() and not await self._truncate_lost_journal():
                return
            await self._engine.dispose()
            self._files.forget()
        finally:
            self._is_open.set()

    async def _truncate_lost_journal(self) -> bool:
        """Move the content of a removed journal into the database. Return whether that is done.

        Only the connections still have the journal. If another process reads an older state of the database,
        they must stay open.
        """
        async with self._engine.connect() as connection:
            is_done = await self._truncate(await _get_driver(connection))
        _log.warning("sqlite_journal_removed", is_saved=is_done)
        return is_done


async def _get_driver(connection: AsyncConnection) -> SqliteConnection:
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, SqliteConnection)  # noqa: S101 # `open_connection` made it
    return driver


async def _run_in_savepoint(connection: AsyncConnection, write: _PendingWrite) -> None:
    """Run one write of a batch.

    An error of the write itself is kept in `write.error`, and the batch goes on. An error of the database is
    raised, and the whole batch fails.
    """
    try:
        async with connection.begin_nested():
            write.result = await write.work(connection)
    except Exception as error:
        if _is_of_database(error):
            raise
        write.error = error


def _is_of_database(error: Exception) -> bool:
    """Return whether an error is not that of one unit of work: every other one would fail, too."""
    return isinstance(error, DBAPIError) and not is_programming_error(error)


_Identity: TypeAlias = tuple[int, int] | None
"""Device and inode of a file; None if there is none."""


class _DatabaseFiles:
    """Detects that a file was removed or replaced. SQLite would go on writing to the removed one.

    While a connection is open, SQLite itself removes none of them. The last one to close removes the journal.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._database: _Identity = None
        self._journal: tuple[_Identity, _Identity] | None = None
        """The journal (WAL) and its index, which the connections have open; None before the first write."""

    def check(self) -> None:
        """Raise StoreUnavailable if a file is not the one that is open. Call this before you connect."""
        database = _read_identity(self.path)
        if database is None:
            raise StoreUnavailable("the store cannot be used now: its file was removed")
        self._database = self._database or database
        if self.has_lost_journal():
            raise StoreUnavailable("the store cannot be used now: its journal was removed")

    def check_commit(self) -> None:
        """Raise StoreUnavailable if a transaction went to a file that is no longer at its path."""
        if _read_identity(self.path) != self._database:
            raise StoreUnavailable("the store cannot be used now: its file was removed")
        journal = self._read_journal()
        if None in journal or journal != (self._journal or journal):
            raise StoreUnavailable("the store cannot be used now: its journal was removed")
        self._journal = journal

    def has_lost_journal(self) -> bool:
        """Return whether the journal that the connections have open is no longer at its path."""
        return self._journal is not None and self._read_journal() != self._journal

    def forget(self) -> None:
        """Accept other files from now on. Call this after every connection is closed."""
        self._database = self._journal = None

    def _read_journal(self) -> tuple[_Identity, _Identity]:
        return _read_identity(f"{self.path}-wal"), _read_identity(f"{self.path}-shm")


def _read_identity(path: str) -> _Identity:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _connect(path: str, lock_timeout_s: float) -> sqlite3.Connection:
    # Only an existing file is opened: a removed one must not be replaced silently by an empty one.
    uri = f"file:{_quote(path)}?mode=rw"
    # `_begin` begins transactions, not the driver.
    connection = sqlite3.connect(uri, uri=True, timeout=lock_timeout_s, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _truncate_journal(connection: sqlite3.Connection) -> bool:
    """Return whether the journal is empty. It is not if a reader uses an older state of the database."""
    (lock_timeout_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_LOCK_TIMEOUT_MS}")
    try:
        is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {lock_timeout_ms}")
    return not is_busy


def _begin(connection: Connection) -> None:
    # BEGIN IMMEDIATE waits while another process writes. After a plain BEGIN, a write that follows a read
    # would then fail at once.
    is_writer = connection.get_execution_options().get(_IS_WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _quote(path: str) -> str:
    """Quote the characters that have a meaning in SQLite's file URIs."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
