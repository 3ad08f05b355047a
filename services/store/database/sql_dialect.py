"""Statements that differ between SQLite and PostgreSQL."""

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_or_update(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that takes `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if _is_postgresql(connection) else sqlite.insert(table)


async def advisory_xact_lock(connection: AsyncConnection, *key: int | str, shared: bool = False) -> None:
    """Wait for an advisory lock that is held until the transaction ends.

    Shared holders do not block each other; an exclusive holder blocks all others. On SQLite this does
    nothing: there is only one writer.
    """
    if not _is_postgresql(connection):
        return
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    # Two keys with the same hash only block each other unnecessarily.
    statement = text(f"SELECT {function}(hashtextextended(:key, 0))")
    await connection.execute(statement, {"key": ":".join(map(str, key))})


def _is_postgresql(connection: AsyncConnection) -> bool:
    return connection.dialect.name == "postgresql"
