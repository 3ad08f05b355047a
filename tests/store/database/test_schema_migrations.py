"""Migrations create the schema of the code, once, and another schema is rejected."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from services.errors import StartupError
from services.store import migrate, open_store
from services.store.database.engine import parse_url
from services.store.database.schema import metadata
from services.store.database.schema_migrations import check_schema, connect
from tests.support.postgres import create_database, postgres_server


def test_migrations_create_the_schema_of_the_code(url):
    migrate(url)
    migrate(url)
    check_schema(url)
    with connect(parse_url(url)) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        inspector = inspect(connection)
        for table in metadata.tables.values():
            created = {index["name"] for index in inspector.get_indexes(table.name)}
            assert {index.name for index in table.indexes} <= created


async def test_concurrent_migrations_run_once(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path}/new/store.db"
    await asyncio.gather(*(asyncio.to_thread(migrate, url) for _ in range(5)))
    async with open_store(url) as store:
        assert await store.is_healthy()


@pytest.mark.postgres
async def test_postgresql_must_be_migrated_by_command():
    with postgres_server() as server:
        with pytest.raises(StartupError, match="migrate"):
            async with open_store(server.url()):
                pass
        await asyncio.gather(*(asyncio.to_thread(migrate, server.url()) for _ in range(5)))
        async with open_store(server.url()) as store:
            assert await store.is_healthy()


@pytest.mark.parametrize(
    ("revision", "message"), [("9999", "newer than this release"), (None, "not current")]
)
@pytest.mark.postgres
async def test_a_schema_of_another_release_is_rejected(server, revision, message):
    url = create_database(server)
    with connect(parse_url(url)) as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    with pytest.raises(StartupError, match=message):
        async with open_store(url):
            pass
