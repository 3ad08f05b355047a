"""The storage on SQLite, and (marked postgres) on a real PostgreSQL: each test has a database of its own."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from services.store import Storage, StorageConfig, migrate, storage_lifespan
from services.store.database.engine import parse_url
from services.store.database.schema import metadata
from services.store.database.schema_migrations import connect
from tests.store.given import NOW_MS
from tests.support.postgres import PostgresServer, postgres_server


class Time:
    """A clock that goes on only when it is told to; a microscopic step a look keeps times apart."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms

    def pass_s(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        migrate(running.url("postgres"))
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store.db"
    running = request.getfixturevalue("server")
    with connect(parse_url(running.url())) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return running.url()


@pytest.fixture
def clock() -> Time:
    return Time()


Opened = Callable[..., AbstractAsyncContextManager[Storage]]


@pytest.fixture
def opened(url: str, clock: Time) -> Opened:
    """async with opened() as storage: a replica on the test's store."""

    @asynccontextmanager
    async def open_one(**limits: object) -> AsyncIterator[Storage]:
        async with storage_lifespan(url, dataclasses.replace(StorageConfig(), **limits), clock) as storage:
            yield storage

    return open_one


@pytest.fixture
async def storage(opened: Opened) -> AsyncIterator[Storage]:
    async with opened() as one:
        yield one


@pytest.fixture
async def other(opened: Opened) -> AsyncIterator[Storage]:
    """A second replica on the same store."""
    async with opened() as one:
        yield one
