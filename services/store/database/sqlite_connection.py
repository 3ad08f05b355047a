"""A SQLite connection in a thread of its own, which runs a statement in one step.

aiosqlite passes four calls to its thread for each statement: open a cursor, execute, fetch the rows, close.
Here it is one, because switching between the threads costs more than most statements.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import aiosqlite

_CHUNK_SIZE = 64  # unused: all rows are fetched at once


async def open_connection(connect: Callable[[], sqlite3.Connection]) -> "SqliteConnection":
    """Open a connection. `connect` runs in its thread."""
    connection = SqliteConnection(connect, iter_chunk_size=_CHUNK_SIZE)
    connection._thread.daemon = True  # as SQLAlchemy does: it must not prevent the end of the process
    await connection
    return connection


class SqliteConnection(aiosqlite.Connection):
    """A connection whose cursors run in one step."""

    def cursor(self) -> "_Cursor":  # type: ignore[override] # the part of the interface that SQLAlchemy uses
        """Return a cursor."""
        return _Cursor(self)

    async def run(self, function: Callable[[sqlite3.Connection], Any]) -> Any:
        """Return the result of a function of the connection, which runs in the connection's thread."""
        return await self._execute(function, self._conn)  # type: ignore[no-untyped-call] # aiosqlite's


class _Cursor:
    """Executes one statement, and keeps its rows."""

    description: Any = None
    rowcount = -1
    lastrowid: int | None = None
    arraysize = 1

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()

    async def __aenter__(self) -> "_Cursor":
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement and fetch its rows."""
        await self._run(lambda cursor: cursor.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each element of `parameters`."""
        await self._run(lambda cursor: cursor.executemany(sql, parameters))

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows."""
        return self._rows

    async def close(self) -> None:
        """Do nothing: the cursor of the statement is closed already."""

    async def _run(self, execute: Callable[[sqlite3.Cursor], object]) -> None:
        def run(connection: sqlite3.Connection) -> tuple[Any, Sequence[Any], int, int | None]:
            cursor = connection.cursor()
            try:
                execute(cursor)
                rows = cursor.fetchall() if cursor.description else ()
                # The number of rows is known after they were fetched.
                return cursor.description, rows, cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        self.description, self._rows, self.rowcount, self.lastrowid = await self._connection.run(run)
