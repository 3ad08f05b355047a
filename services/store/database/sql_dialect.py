"""Statements that differ between SQLite and PostgreSQL."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ARRAY, Boolean, Column, ColumnElement, Dialect, Table, Text, bindparam, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

_LOCK_IN_ORDER = text(
    "SELECT pg_advisory_xact_lock(hash) FROM ("
    "SELECT DISTINCT hashtextextended(key, 0) AS hash FROM unnest(CAST(:keys AS text[])) AS key ORDER BY hash"
    ") AS hashes"
)

Insert: TypeAlias = postgresql.Insert | sqlite.Insert
"""An INSERT that takes `on_conflict_do_nothing` and `on_conflict_do_update`."""
INSERT: Mapping[str, Callable[[Table], Insert]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
"""Name of the engine -> the function that returns an Insert."""


class _List(TypeDecorator[Sequence[Any]]):
    """A list as one parameter: an array on PostgreSQL, the text of a JSON array on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item_type: "TypeEngine[Any]") -> None:
        super().__init__()
        self.item_type = item_type

    def load_dialect_impl(self, dialect: Dialect) -> "TypeEngine[Any]":
        return dialect.type_descriptor(ARRAY(self.item_type) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: "Sequence[Any] | None", dialect: Dialect) -> "list[Any] | str":
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class _IsIn(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: "OperatorType | None" = None) -> "_IsIn":
        return self  # else SQLAlchemy appends `= 1` on SQLite, which then uses no index


@compiles(_IsIn, "postgresql")
def _compile_for_postgresql(element: _IsIn, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_IsIn, "sqlite")
def _compile_for_sqlite(element: _IsIn, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 # a parameter


def is_in(column: "Column[Any]", parameter: str) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values of a parameter, which is a list.

    The list is one parameter, so that the statement is the same for lists of any length: SQLAlchemy compiles
    it once, and PostgreSQL prepares it. Texts in the list must not contain U+0000.
    """
    return _IsIn(column, bindparam(parameter, type_=_List(column.type)))


def insert_into(connection: AsyncConnection, table: Table) -> Insert:
    """Return an INSERT into a table, as the engine of the connection has it."""
    return INSERT[connection.dialect.name](table)


async def advisory_xact_lock(connection: AsyncConnection, *key: int | str, shared: bool = False) -> None:
    """Wait for an advisory lock that is held until the transaction ends.

    Shared holders do not block each other; an exclusive holder blocks all others. On SQLite this does
    nothing: there is only one writer.
    """
    if not _is_postgresql(connection):
        return
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    # If two keys have the same hash, one waits for the other unnecessarily. That is harmless.
    statement = text(f"SELECT {function}(hashtextextended(:key, 0))")
    await connection.execute(statement, {"key": ":".join(map(str, key))})


async def advisory_xact_locks(connection: AsyncConnection, keys: Iterable[Sequence[int | str]]) -> None:
    """Wait for several advisory locks, each as `advisory_xact_lock` would take it.

    They are taken in the order of their hashes, so that two transactions do not end in a deadlock.
    """
    if not _is_postgresql(connection):
        return
    await connection.execute(_LOCK_IN_ORDER, {"keys": [":".join(map(str, key)) for key in keys]})


async def read_time_ms(connection: AsyncConnection) -> float:
    """Read the database's clock, in milliseconds since the epoch. SQLite's is the clock of this machine."""
    if not _is_postgresql(connection):
        return time.time_ns() / 10**6
    rows = await connection.execute(text("SELECT extract(epoch FROM clock_timestamp()) * 1000"))
    return float(rows.scalar_one())


def _is_postgresql(connection: AsyncConnection) -> bool:
    return connection.dialect.name == "postgresql"
