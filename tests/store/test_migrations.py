"""The migrations make the schema that the code works with."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from services.store import migrate
from services.store.database.engine import parse_url
from services.store.database.schema import metadata
from services.store.database.schema_migrations import check_schema, connect


def test_they_make_what_the_code_works_with(url):
    migrate(url)
    migrate(url)
    check_schema(url)
    with connect(parse_url(url)) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        found = inspect(connection)
        for table in metadata.tables.values():
            made = {index["name"] for index in found.get_indexes(table.name)}
            assert {index.name for index in table.indexes} <= made
