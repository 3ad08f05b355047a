"""Opens a store: checks its URL and its schema, and starts its clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from services.background_tasks import background_tasks
from services.errors import StartupError, StoreUnavailable
from services.store.database.clock import StoreClock
from services.store.database.connect_causes import DATABASE_URL
from services.store.database.engine import SQLITE, Engine, StoreLimits, parse_url
from services.store.database.schema_migrations import check_schema, has_pooler, migrate
from services.store.database.sqlite import SqliteEngine
from services.store.database.store import Clock, Store


@asynccontextmanager
async def open_store(
    url: str, limits: StoreLimits | None = None, clock: Clock | None = None
) -> AsyncIterator[Store]:
    """Open the store at a URL: `sqlite+aiosqlite:///...` or `postgresql+psycopg://...`.

    A SQLite file is created and migrated here. `clock` replaces the store's own clock, for tests. Raises
    StartupError if the database cannot be reached, or if PostgreSQL's schema is not current.
    """
    limits = limits or StoreLimits()
    parsed = parse_url(url)
    engine: Engine
    if parsed.drivername == SQLITE:
        await asyncio.to_thread(migrate, url)
        engine = SqliteEngine(parsed, limits)
    else:
        from services.store.database.postgresql import PostgresqlEngine  # noqa: PLC0415 # psycopg

        await asyncio.to_thread(check_schema, url)
        engine = PostgresqlEngine(parsed, limits, is_pooled=await asyncio.to_thread(has_pooler, url))
    clock = clock or StoreClock()
    store = Store(engine, url=url, limits=limits, clock=clock)
    try:
        async with _run_clock(clock, store) if isinstance(clock, StoreClock) else nullcontext():
            yield store
    finally:
        await store.close()


@asynccontextmanager
async def _run_clock(clock: StoreClock, store: Store) -> AsyncIterator[None]:
    try:
        await clock.open(store)
    except StoreUnavailable as error:
        raise StartupError([f"{DATABASE_URL}: the store's time cannot be read: {error}"]) from error
    async with background_tasks(clock.run(store)):
        yield
