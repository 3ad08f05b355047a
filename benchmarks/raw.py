"""Inserts by the bare driver, into tables made by the same migrations, as durable as the service's.

On SQLite one connection writes, as there can be only one. On PostgreSQL as many write at once as the service
has connections. Either commits each row, or many at once.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from sqlalchemy.engine import make_url

from services.store import StoreLimits, migrate

CONNECTIONS = StoreLimits().connections
PRAGMAS = ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
"""The service's own, on SQLite; the journal's mode is the file's."""

Row = Sequence[Any]


class Raw(Protocol):
    """A store without a service."""

    def insert(self, table: str, rows: Sequence[Row], *, together: int) -> float:
        """Insert rows, so many in a transaction; return how many a second."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The store of a service, to look at."""

    url: str

    def last(self, table: str, count: int) -> list[Row]:
        """Return the rows that came last."""
        query = f"SELECT * FROM {table} ORDER BY seq DESC LIMIT {count}"  # noqa: S608 # a table of ours
        if _is_sqlite(self.url):
            with sqlite3.connect(_file(self.url)) as lite:
                return lite.execute(query).fetchall()
        with psycopg.connect(conninfo(self.url)) as connection:
            return connection.execute(query).fetchall()


@contextmanager
def raw(url: str) -> Iterator[Raw]:
    """Open a store of its own at a URL, empty."""
    migrate(url)
    with ExitStack() as opened:
        if _is_sqlite(url):
            lite = sqlite3.connect(_file(url), isolation_level=None)
            opened.callback(lite.close)
            for pragma in PRAGMAS:
                lite.execute(f"PRAGMA {pragma}")
            yield _Sqlite(lite)
        else:
            connections = [opened.enter_context(psycopg.connect(conninfo(url))) for _ in range(CONNECTIONS)]
            yield _Postgres(connections)


@dataclass(frozen=True, slots=True)
class _Sqlite:
    connection: sqlite3.Connection

    def insert(self, table: str, rows: Sequence[Row], *, together: int) -> float:
        statement = _statement(table, rows[0], "?")
        began = time.perf_counter()
        for some in _split(rows, together):
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(statement, some)
            self.connection.execute("COMMIT")
        return len(rows) / (time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class _Postgres:
    connections: Sequence["psycopg.Connection[Any]"]

    def insert(self, table: str, rows: Sequence[Row], *, together: int) -> float:
        statement = _statement(table, rows[0], "%s")
        left = _split(rows, together)

        def put(connection: "psycopg.Connection[Any]") -> None:
            for some in left:
                with connection.transaction(), connection.cursor() as cursor:
                    for row in some:
                        cursor.execute(statement, row)

        began = time.perf_counter()
        with ThreadPoolExecutor(len(self.connections)) as threads:
            list(threads.map(put, self.connections))
        return len(rows) / (time.perf_counter() - began)


def _split(rows: Sequence[Row], together: int) -> Iterator[Sequence[Row]]:
    return iter([rows[first : first + together] for first in range(0, len(rows), together)])


def _statement(table: str, row: Row, mark: str) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join([mark] * len(row))})"  # noqa: S608 # a table of ours


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _file(url: str) -> str:
    return make_url(url).database or ""


def conninfo(url: str) -> str:
    """Return a URL of the store as PostgreSQL's own driver takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
