"""A store: units of work on SQL, each in one durable transaction, on SQLite or PostgreSQL.

Every other module of this room is written against `Store.write` and `Store.read` alone.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import text

from services.errors import StoreUnavailable
from services.store.clock import Clock, system_clock
from services.store.database import postgresql, sqlite
from services.store.database.db_errors import translate_db_errors
from services.store.database.engine import Engine, StoreLimits, UnitOfWork
from services.store.database.schema_migrations import SQLITE, check, migrate, parse_url

T = TypeVar("T")

_LOOK = text("SELECT 1 FROM alembic_version")
_TOUCH = text("UPDATE alembic_version SET version_num = version_num")


class Store:
    """Runs units of work. Raises StoreUnavailable for what keeps it from doing so, and recovers by itself."""

    def __init__(self, engine: Engine, *, url: str, limits: StoreLimits, clock: Clock) -> None:
        self._engine = engine
        self.limits = limits
        self._under_way: set[asyncio.Task[Any]] = set()
        self._takes_writes = True
        self.url = url
        self.clock = clock
        """What stored times and leases go by."""

    @property
    def on_postgresql(self) -> bool:
        """Whether several replicas may share this store."""
        return self._engine.name == "postgresql"

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work in one durable transaction.

        Once begun it is finished, even when its caller is cancelled: no connection is left half way. After
        StoreUnavailable nobody knows whether it was committed; every write of this room may be repeated.
        """
        try:
            result = await self._bounded(self._engine.write(work))
        except StoreUnavailable:
            self._takes_writes = False
            raise
        self._takes_writes = True
        return result

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that changes nothing."""
        return await self._bounded(self._engine.read(work))

    async def scrub(self) -> None:
        """Overwrite what deleted rows left behind, as far as the engine can be asked to."""
        await self._bounded(self._engine.scrub())

    async def healthy(self) -> bool:
        """Return, within `health_s`, whether the store can be used: for readiness.

        Looking is enough while writes succeed. After one that failed the store has to take another first: a
        full, locked or read-only store is still read with ease.
        """
        run, statement = (self.read, _LOOK) if self._takes_writes else (self.write, _TOUCH)
        try:
            async with asyncio.timeout(self.limits.health_s):
                await run(lambda connection: connection.execute(statement))
        except (StoreUnavailable, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Let units of work under way finish, within their own bound, and close every connection."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._engine.close()

    async def _bounded(self, running: Coroutine[Any, Any, T]) -> T:
        if len(self._under_way) >= self.limits.waiting:
            running.close()
            raise StoreUnavailable("the store cannot be used now: too many calls wait for it")
        task = asyncio.create_task(self._timed(running))
        self._under_way.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    async def _timed(self, running: Coroutine[Any, Any, T]) -> T:
        with translate_db_errors():
            async with asyncio.timeout(self.limits.work_s):
                return await running

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left: then nobody else asks


@asynccontextmanager
async def open_store(
    url: str, limits: StoreLimits | None = None, clock: Clock = system_clock
) -> AsyncIterator[Store]:
    """Open the store at a URL: `sqlite+aiosqlite:///...`, made and migrated here, or `postgresql+psycopg://...`.

    Raises StartupError where it cannot be reached, or where PostgreSQL's schema is not current.
    """
    limits = limits or StoreLimits()
    parsed = parse_url(url)
    engine: Engine
    if parsed.drivername == SQLITE:
        await asyncio.to_thread(migrate, url)
        engine = sqlite.Sqlite(parsed, limits)
    else:
        await asyncio.to_thread(check, url)
        engine = postgresql.Postgresql(parsed, limits)
    store = Store(engine, url=url, limits=limits, clock=clock)
    try:
        yield store
    finally:
        await store.close()
