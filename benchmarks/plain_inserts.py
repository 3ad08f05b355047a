"""Inserts with the plain database driver, into tables of the same migrations, as durable as the service's.

SQLite allows one writing connection. On PostgreSQL there are as many connections as the service has.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol

import psycopg
from sqlalchemy.engine import make_url

from services.store import StoreLimits, migrate

CONNECTIONS = StoreLimits().max_connections
PRAGMAS = ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
"""The service's pragmas on SQLite; the journal mode is stored in the file."""

Row = Sequence[Any]


class PlainStore(Protocol):
    """Inserts rows with the database driver, without a service."""

    def insert(self, table: str, rows: Sequence[Row], *, batch_size: int) -> float:
        """Insert rows with batch_size rows per transaction; return the rows per second."""

    def insert_columns(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows in one transaction; the columns they do not have are null."""


@dataclass(frozen=True, slots=True)
class ServiceStore:
    """Reads the store of a service."""

    url: str

    def last_rows(self, table: str, count: int) -> Sequence[Row]:
        """Return the newest rows."""
        return self._query(f"SELECT * FROM {table} ORDER BY seq DESC LIMIT {count}")  # noqa: S608 # our own table name

    def count_delivered(self) -> int:
        """Return how many deliveries 1688 has accepted."""
        ((count,),) = self._query("SELECT count(*) FROM deliveries WHERE state = 'DELIVERED'")
        return int(count)

    def _query(self, query: LiteralString) -> Sequence[Row]:
        if _is_sqlite(self.url):
            with closing(sqlite3.connect(_path(self.url))) as sqlite:
                return sqlite.execute(query).fetchall()
        with psycopg.connect(to_conninfo(self.url)) as connection:
            return connection.execute(query).fetchall()


@contextmanager
def plain_store(url: str) -> Iterator[PlainStore]:
    """Open a new, empty store at a URL."""
    migrate(url)
    with ExitStack() as stack:
        if _is_sqlite(url):
            sqlite = sqlite3.connect(_path(url), isolation_level=None, check_same_thread=False)
            stack.callback(sqlite.close)
            for pragma in PRAGMAS:
                sqlite.execute(f"PRAGMA {pragma}")
            yield _SqliteStore(sqlite)
        else:
            connections = [stack.enter_context(psycopg.connect(to_conninfo(url))) for _ in range(CONNECTIONS)]
            yield _PostgresStore(connections)


@dataclass(frozen=True, slots=True)
class _SqliteStore:
    connection: sqlite3.Connection

    def insert(self, table: str, rows: Sequence[Row], *, batch_size: int) -> float:
        statement = _statement(table, rows[0], "?")
        started = time.perf_counter()
        for batch in _split(rows, batch_size):
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(statement, batch)
            self.connection.execute("COMMIT")
        return len(rows) / (time.perf_counter() - started)

    def insert_columns(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        statement = _statement(table, rows[0], "?")
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(statement, [tuple(row.values()) for row in rows])
        self.connection.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class _PostgresStore:
    connections: Sequence["psycopg.Connection[Any]"]

    def insert(self, table: str, rows: Sequence[Row], *, batch_size: int) -> float:
        statement = _statement(table, rows[0], "%s")
        batches = _split(rows, batch_size)

        def insert_batches(connection: "psycopg.Connection[Any]") -> None:
            for batch in batches:
                with connection.transaction(), connection.cursor() as cursor:
                    for row in batch:
                        cursor.execute(statement, row)

        started = time.perf_counter()
        with ThreadPoolExecutor(len(self.connections)) as threads:
            list(threads.map(insert_batches, self.connections))
        return len(rows) / (time.perf_counter() - started)

    def insert_columns(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        statement = _statement(table, rows[0], "%s")
        connection = self.connections[0]
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(statement, [tuple(row.values()) for row in rows])


def _split(rows: Sequence[Row], batch_size: int) -> Iterator[Sequence[Row]]:
    return iter([rows[first : first + batch_size] for first in range(0, len(rows), batch_size)])


def _statement(table: str, row: Row | Mapping[str, Any], placeholder: str) -> str:
    """Return the statement for rows like this one: of all columns, or of those that it names."""
    columns = f" ({', '.join(row)})" if isinstance(row, Mapping) else ""
    return f"INSERT INTO {table}{columns} VALUES ({', '.join([placeholder] * len(row))})"  # noqa: S608 # our own names


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _path(url: str) -> str:
    return make_url(url).database or ""


def to_conninfo(url: str) -> str:
    """Return the URL of a store in the form of psycopg."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
