"""A store runs units of work, each in one durable transaction, on SQLite or PostgreSQL.

The rest of the store uses only `Store.write` and `Store.read`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import text

from services.errors import StoreUnavailable
from services.store.database.db_errors import translate_db_errors
from services.store.database.engine import SQLITE, Engine, StoreLimits, UnitOfWork, parse_url
from services.store.database.postgresql import PostgresqlEngine
from services.store.database.schema_migrations import check_schema, migrate
from services.store.database.sqlite import SqliteEngine

T = TypeVar("T")

Clock = Callable[[], int]
"""Returns milliseconds since the epoch."""

_READ_PROBE = text("SELECT 1 FROM alembic_version")
_WRITE_PROBE = text("UPDATE alembic_version SET version_num = version_num")


def system_clock() -> int:
    """Return this machine's time. The clocks of replicas must agree within a few seconds."""
    return time.time_ns() // 10**6


class Store:
    """Runs units of work. Raises StoreUnavailable if the database cannot be used, and recovers by itself."""

    def __init__(self, engine: Engine, *, url: str, limits: StoreLimits, clock: Clock) -> None:
        self._engine = engine
        self._pending: set[asyncio.Task[Any]] = set()
        self._last_write_succeeded = True
        self.limits = limits
        self.url = url
        self.clock = clock
        """The source of stored times and of lease expiry."""

    @property
    def is_postgresql(self) -> bool:
        """Whether replicas may share this store."""
        return self._engine.name == "postgresql"

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work in one durable transaction.

        It runs to its end even if the caller is cancelled, so that no connection is left in a transaction.
        After StoreUnavailable it is not known whether the transaction was committed. So every write of the
        store is safe to repeat.
        """
        try:
            result = await self._run(self._engine.write(work))
        except StoreUnavailable:
            self._last_write_succeeded = False
            raise
        self._last_write_succeeded = True
        return result

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that only reads."""
        return await self._run(self._engine.read(work))

    async def scrub(self) -> None:
        """Overwrite the content of deleted rows, if the engine can do that on request."""
        await self._run(self._engine.scrub())

    async def is_healthy(self) -> bool:
        """Return within `health_timeout_s` whether the store can be used: for the readiness probe.

        A read is enough while writes succeed. After a failed write the probe writes, because a full, locked
        or read-only database can still be read.
        """
        run, probe = (self.read, _READ_PROBE) if self._last_write_succeeded else (self.write, _WRITE_PROBE)
        try:
            async with asyncio.timeout(self.limits.health_timeout_s):
                await run(lambda connection: connection.execute(probe))
        except (StoreUnavailable, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Wait for pending units of work, within their timeout, and close every connection."""
        while self._pending:
            await asyncio.wait(self._pending)
        await self._engine.close()

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if len(self._pending) >= self.limits.max_pending:
            work.close()
            raise StoreUnavailable("the store cannot be used now: too many calls wait for it")
        task = asyncio.create_task(self._run_with_timeout(work))
        self._pending.add(task)
        task.add_done_callback(self._on_done)
        return await asyncio.shield(task)

    async def _run_with_timeout(self, work: Coroutine[Any, Any, T]) -> T:
        with translate_db_errors():
            async with asyncio.timeout(self.limits.transaction_timeout_s):
                return await work

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._pending.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved here, because the caller may have been cancelled


@asynccontextmanager
async def open_store(
    url: str, limits: StoreLimits | None = None, clock: Clock = system_clock
) -> AsyncIterator[Store]:
    """Open the store at a URL: `sqlite+aiosqlite:///...` or `postgresql+psycopg://...`.

    A SQLite file is created and migrated here. Raises StartupError if the database cannot be reached, or if
    PostgreSQL's schema is not current.
    """
    limits = limits or StoreLimits()
    parsed = parse_url(url)
    engine: Engine
    if parsed.drivername == SQLITE:
        await asyncio.to_thread(migrate, url)
        engine = SqliteEngine(parsed, limits)
    else:
        await asyncio.to_thread(check_schema, url)
        engine = PostgresqlEngine(parsed, limits)
    store = Store(engine, url=url, limits=limits, clock=clock)
    try:
        yield store
    finally:
        await store.close()
