"""A storage on SQLite, and (marked postgres) on a real PostgreSQL. Each test has its own database."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from services.store import Storage, StorageConfig, migrate, storage_lifespan
from services.store.database.engine import parse_url
from services.store.database.schema import metadata
from services.store.database.schema_migrations import connect
from tests.store.factories import NOW_MS
from tests.support.postgres import PostgresServer, postgres_server


class FakeClock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms

    def advance_s(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        migrate(server.url("postgres"))
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store.db"
    server = request.getfixturevalue("server")
    with connect(parse_url(server.url())) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return server.url()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


OpenStorage = Callable[..., AbstractAsyncContextManager[Storage]]


@pytest.fixture
def open_storage(url: str, clock: FakeClock) -> OpenStorage:
    """`async with open_storage() as storage`: a replica on the test's database."""

    @asynccontextmanager
    async def open_replica(**config: object) -> AsyncIterator[Storage]:
        async with storage_lifespan(url, dataclasses.replace(StorageConfig(), **config), clock) as storage:
            yield storage

    return open_replica


@pytest.fixture
async def storage(open_storage: OpenStorage) -> AsyncIterator[Storage]:
    async with open_storage() as storage:
        yield storage


@pytest.fixture
async def other_replica(open_storage: OpenStorage) -> AsyncIterator[Storage]:
    """A second replica on the same database."""
    async with open_storage() as storage:
        yield storage
