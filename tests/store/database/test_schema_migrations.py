"""Migrations create the schema of the code, once, and another schema is rejected."""

import asyncio
from typing import LiteralString

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from services.errors import StartupError
from services.store import migrate, open_store
from services.store.database.engine import parse_url
from services.store.database.migration_scripts import build_scripts
from services.store.database.schema import SCHEMA_REVISION, metadata
from services.store.database.schema_migrations import REVISION, check_schema, connect
from tests.support.postgres import PostgresServer, create_database, postgres_server


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


def set_revision(url: str, revision: str | None) -> None:
    with connect(parse_url(url)) as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def test_revisions_have_a_number_and_the_oldest_release_that_works_with_them():
    revisions = [REVISION.fullmatch(script.revision) for script in build_scripts().walk_revisions()]
    numbers = [int(revision["number"]) for revision in revisions]
    assert numbers == list(range(len(numbers), 0, -1))
    assert all((revision["oldest"] or revision["number"]) <= revision["number"] for revision in revisions)
    assert build_scripts().get_current_head() == SCHEMA_REVISION


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_a_newer_schema_that_works_with_this_release_is_accepted(engine, request, tmp_path):
    if engine == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/store.db"
    else:
        url = create_database(request.getfixturevalue("server"))
    migrate(url)
    own = SCHEMA_REVISION[:4]
    set_revision(url, f"9999_{own}")
    migrate(url)
    async with open_store(url) as store:
        assert await store.is_healthy()

    set_revision(url, f"9999_{int(own) + 1:04}")
    with pytest.raises(StartupError, match="newer than this release"):
        migrate(url)
    with pytest.raises(StartupError, match="newer than this release"):
        async with open_store(url):
            pass


@pytest.mark.parametrize(
    ("revision", "message"),
    [("9999", "newer than this release"), ("other", "newer than this release"), (None, "not current")],
)
@pytest.mark.postgres
async def test_a_schema_of_another_release_is_rejected(server, revision, message):
    url = create_database(server)
    set_revision(url, revision)
    with pytest.raises(StartupError, match=message):
        async with open_store(url):
            pass


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_is_not_utf8_is_refused(server: PostgresServer, encoding: LiteralString) -> None:
    """By the migration, and by a service, for example after a restore into another database."""
    name = f"encoding_{encoding}"
    server.create_database(name, f"ENCODING {encoding} TEMPLATE template0")
    for open_database in (migrate, check_schema):
        with pytest.raises(StartupError) as caught:
            open_database(server.url(name))
        (line,) = caught.value.lines
        assert line.startswith(f"NATIONALSITE_DATABASE_URL: the database has the encoding {encoding}: ")
