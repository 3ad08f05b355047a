"""SQLite as a store: one file, one writer, and one sync to disk for all that wait to be written."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.errors import StoreUnavailable
from services.store.database.db_errors import is_programming_error, translate_db_errors
from services.store.database.engine import StoreLimits, UnitOfWork

T = TypeVar("T")

TOGETHER = 200
"""At most as many units of work share a transaction."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # what was answered with success outlives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what was erased is overwritten
)
_WRITES = "nationalsite_writes"


@dataclass(slots=True)
class _Waiting:
    work: UnitOfWork[Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class Sqlite:
    """An engine that gathers writes: those that come while one is being synced share the next transaction.

    Each is in a savepoint of its own: one that fails takes back its own changes only.
    """

    name = "sqlite"

    def __init__(self, url: URL, limits: StoreLimits) -> None:
        self._file = _File(os.path.abspath(url.database or ""))
        # An existing file only: one that was removed is not silently begun anew.
        uri = url.set(database=f"file:{_quoted(self._file.path)}", query={"mode": "rw", "uri": "true"})
        self._engine = create_async_engine(
            uri,
            pool_size=limits.connections,
            max_overflow=0,
            pool_timeout=limits.lock_wait_s,
            connect_args={"timeout": limits.lock_wait_s},
        )
        event.listen(self._engine.sync_engine, "connect", _prepare)
        event.listen(self._engine.sync_engine, "begin", _begin)
        self._users = 0
        """Units of work beside the writer."""
        self._unused, self._usable = asyncio.Event(), asyncio.Event()
        self._unused.set()
        self._usable.set()
        self._transaction_s = limits.work_s
        self._waiting: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work in the next transaction."""
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        result: T = await waiting.done
        return result

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that changes nothing, beside the writer."""
        self._file.check()
        async with self._beside_the_writer(), self._engine.begin() as connection:
            return await work(connection)

    async def scrub(self) -> None:
        """Bring the journal into the file, and empty it; the file itself is overwritten by each deletion."""
        async with self._beside_the_writer(), self._engine.connect() as connection:
            raw = await connection.get_raw_connection()  # a checkpoint takes no transaction around it
            assert raw.driver_connection is not None  # noqa: S101 # it is open
            await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Let the writer finish, and close the file."""
        if self._writer is not None:
            await asyncio.wait([self._writer])
        await self._engine.dispose()

    async def _write_all(self) -> None:
        while self._waiting:
            together = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
            together = [waiting for waiting in together if not waiting.done.done()]
            try:
                with translate_db_errors():
                    await self._transaction(together)
            except Exception as error:  # told to all that wait for it
                for waiting in together:
                    waiting.error = _another(error)
                await self._open_anew()
            for waiting in together:
                if waiting.done.done():
                    continue
                if waiting.error is not None:
                    waiting.done.set_exception(waiting.error)
                else:
                    waiting.done.set_result(waiting.result)

    async def _transaction(self, together: list[_Waiting]) -> None:
        self._file.check()
        async with self._engine.connect() as connection:
            await connection.execution_options(**{_WRITES: True})
            async with connection.begin(), asyncio.timeout(self._transaction_s):
                for waiting in together:
                    await _in_savepoint(connection, waiting)
        if self._file.was_replaced():
            # What was committed went to a file that nobody will find again.
            raise StoreUnavailable("the store cannot be used now: its file was removed")

    @asynccontextmanager
    async def _beside_the_writer(self) -> AsyncIterator[None]:
        await self._usable.wait()
        self._users += 1
        self._unused.clear()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def _open_anew(self) -> None:
        """Close every connection: one that was opened while the file was read only stays so.

        All of them, since those of a process share that state; so those that read are waited for.
        """
        self._usable.clear()
        try:
            await self._unused.wait()
            await self._engine.dispose()
        finally:
            self._usable.set()


async def _in_savepoint(connection: AsyncConnection, waiting: _Waiting) -> None:
    """Run one of several. What only it is to blame for is its own error; all else ends the transaction."""
    try:
        async with connection.begin_nested():
            waiting.result = await waiting.work(connection)
    except Exception as error:
        if isinstance(error, DBAPIError) and not is_programming_error(error):
            raise
        waiting.error = error


class _File:
    """The file at a path, and whether it is still the one that was opened: a removed one takes writes too."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._known = self._identity()

    def check(self) -> None:
        """Raise StoreUnavailable where there is no file."""
        if self._identity() is None:
            raise StoreUnavailable("the store cannot be used now: its file was removed")

    def was_replaced(self) -> bool:
        """Return whether another file, or none, has taken its place; that one is known from now on."""
        found = self._identity()
        replaced = found != self._known
        self._known = found or self._known
        return replaced

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not where the driver would
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    # A write that begins as a reader could not wait for another writer.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _quoted(path: str) -> str:
    """Escape what means something in a URI of SQLite's."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _another(error: Exception) -> Exception:
    """Return an exception for one of many callers: each gets its own, since each adds its traceback."""
    if isinstance(error, StoreUnavailable):
        return StoreUnavailable(*error.args)
    return error
