"""SQLite as a store: one file, one writer, and one sync to disk for all writes that wait."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.errors import StoreUnavailable
from services.store.database.db_errors import copy_error, is_programming_error, translate_db_errors
from services.store.database.engine import StoreLimits, UnitOfWork

T = TypeVar("T")

BATCH_SIZE = 200
"""Units of work in one transaction, at most."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # a committed transaction survives a power failure
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # deleted content is overwritten
)
_IS_WRITER = "nationalsite_is_writer"


@dataclass(slots=True)
class _PendingWrite:
    work: UnitOfWork[Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class SqliteEngine:
    """Batches writes: those that arrive during one transaction share the next one.

    Each has its own savepoint, so a failed one rolls back only its own changes.
    """

    name = "sqlite"

    def __init__(self, url: URL, limits: StoreLimits) -> None:
        self._file = _DatabaseFile(os.path.abspath(url.database or ""))
        # Only an existing file is opened: a removed one must not be replaced silently by an empty one.
        file_url = url.set(database=f"file:{_quote(self._file.path)}", query={"mode": "rw", "uri": "true"})
        self._engine = create_async_engine(
            file_url,
            pool_size=limits.max_connections,
            max_overflow=0,
            pool_timeout=limits.lock_timeout_s,
            connect_args={"timeout": limits.lock_timeout_s},
        )
        event.listen(self._engine.sync_engine, "connect", _prepare)
        event.listen(self._engine.sync_engine, "begin", _begin)
        self._reader_count = 0
        self._has_no_readers, self._is_open = asyncio.Event(), asyncio.Event()
        self._has_no_readers.set()
        self._is_open.set()
        self._transaction_timeout_s = limits.transaction_timeout_s
        self._pending: deque[_PendingWrite] = deque()
        self._writer: asyncio.Task[None] | None = None

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
            self._file.check_exists()
            async with self._engine.begin() as connection:
                return await work(connection)

    async def scrub(self) -> None:
        """Move the journal into the database file and empty it. `secure_delete` covers the file itself."""
        async with self._read_guard():
            self._file.check_exists()
            async with self._engine.connect() as connection:
                raw = await connection.get_raw_connection()  # a checkpoint must not run in a transaction
                assert raw.driver_connection is not None  # noqa: S101 # it is open
                await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

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
                await self._reconnect()
            for write in batch:
                if write.future.done():
                    continue
                if write.error is not None:
                    write.future.set_exception(write.error)
                else:
                    write.future.set_result(write.result)

    async def _write_batch(self, batch: Sequence[_PendingWrite]) -> None:
        self._file.check_exists()
        async with self._engine.connect() as connection:
            await connection.execution_options(**{_IS_WRITER: True})
            async with connection.begin(), asyncio.timeout(self._transaction_timeout_s):
                for write in batch:
                    await _run_in_savepoint(connection, write)
        if self._file.was_replaced():
            # The transaction went to a file that is no longer at this path.
            raise StoreUnavailable("the store cannot be used now: its file was removed")

    @asynccontextmanager
    async def _read_guard(self) -> AsyncIterator[None]:
        """Wait until the connections are open, and keep them open for the context."""
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
        """Close every connection, after the readers are done.

        SQLite shares state between the connections of a process: if one was opened while the file was read
        only, later ones stay read only until all are closed.
        """
        self._is_open.clear()
        try:
            await self._has_no_readers.wait()
            await self._engine.dispose()
            self._file.forget_identity()
        finally:
            self._is_open.set()


async def _run_in_savepoint(connection: AsyncConnection, write: _PendingWrite) -> None:
    """Run one write of a batch. Keep an error of its own; raise an error of the database, for the batch."""
    try:
        async with connection.begin_nested():
            write.result = await write.work(connection)
    except Exception as error:
        if isinstance(error, DBAPIError) and not is_programming_error(error):
            raise
        write.error = error


class _DatabaseFile:
    """The file at a path. SQLite also writes to a file that was removed after it was opened."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._identity: tuple[int, int] | None = None
        """Of the file that the connections have open; None if there are no connections."""

    def check_exists(self) -> None:
        """Raise StoreUnavailable if there is no file. Call this before you connect."""
        identity = self._read_identity()
        if identity is None:
            raise StoreUnavailable("the store cannot be used now: its file was removed")
        self._identity = self._identity or identity

    def forget_identity(self) -> None:
        """Accept another file from now on. Call this after every connection is closed."""
        self._identity = None

    def was_replaced(self) -> bool:
        """Return whether the file was removed or replaced since the connections opened it."""
        return self._read_identity() != self._identity

    def _read_identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # `_begin` begins transactions, not the driver
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that begins with a read fails at once, instead of waiting, if another process writes.
    is_writer = connection.get_execution_options().get(_IS_WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _quote(path: str) -> str:
    """Quote the characters that have a meaning in SQLite's file URIs."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
