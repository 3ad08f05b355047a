"""Rows about the store: what the running service accepts per second, against raw inserts of the same rows.

The service answers each callback and each EnqueueSync after its commit, fifty callers at once, while its
relay sends what was enqueued. The raw inserts write the very rows that it has stored into the same table
again, one after the other, with a commit each; on PostgreSQL also by as many connections as the service
has. No index less, no sync to disk less.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from benchmarks import processes
from benchmarks.measuring import Spread
from benchmarks.processes import Process
from benchmarks.result import Figure, Result
from services.delivery import migrate
from tests.durability.enqueuing import Shop, status_sync
from tests.durability.pushing import PATH, Platform
from tools.postgres import postgres

CALLBACKS, DELIVERIES, AT_ONCE, ROUNDS = 2_000, 1_000, 50, 3
CONNECTIONS = 15
"""Of the service to PostgreSQL, by default."""
QUIET = {"NATIONALSITE_REPLAY_SECONDS": "0"}
TABLES = {"callbacks": "messages", "EnqueueSync": "deliveries"}

Row = Sequence[Any]


def storing() -> list[Result]:
    """Callbacks stored and deliveries enqueued per second, on both engines."""
    results: list[Result] = []
    with processes.upstream() as upstream:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "store.db")
            results += _engine("SQLite", f"sqlite+aiosqlite:///{file}", upstream.address, _Sqlite(file))
        with postgres() as server:
            migrate(server.url())
            results += _engine("PostgreSQL", server.url(), upstream.address, _Postgres(server.url()))
    return results


def _engine(name: str, url: str, gateway: str, raw: "_Sqlite | _Postgres") -> list[Result]:
    settings = QUIET | {"NATIONALSITE_DATABASE_URL": url}
    taken: dict[str, list[float]] = {what: [] for what in TABLES}
    with processes.service("order_sync", gateway, settings, log=f"bench-{name}") as service:
        for number in range(ROUNDS):
            taken["callbacks"].append(asyncio.run(_pushed(service, number)))
            taken["EnqueueSync"].append(asyncio.run(_enqueued(service, number)))
    results = []
    for what, table in TABLES.items():
        suite = Spread.of(taken[what])
        figures = {"suite": Figure(unit="/s", spread=suite)}
        for writers in raw.writers:
            found = Spread.of([raw.insert_again(table, writers) for _ in range(ROUNDS)])
            figures[f"raw, {writers} at once" if writers > 1 else "raw"] = Figure(unit="/s", spread=found)
        results.append(
            Result(
                row=f"{what}-{name}",
                title=f"{what} stored per second, {name}, against raw inserts of the same rows",
                figures=figures,
                found=suite.median / figures["raw"].spread.median,
                wanted=0.5,
                at_least=True,
            )
        )
    return results


async def _pushed(service: Process, number: int) -> float:
    """Push messages; return how many were answered with 200 a second."""
    callback = service.callback.removeprefix("http://").removesuffix(PATH)
    async with Platform([callback], at_once=AT_ONCE, keep_alive=True) as platform:
        first = number * CALLBACKS
        return await _rate(CALLBACKS, [platform.push_until_taken(first + each) for each in range(CALLBACKS)])


async def _enqueued(service: Process, number: int) -> float:
    """Enqueue syncs, each of an order of its own; return how many were answered a second."""
    async with Shop([service.address]) as shop:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(order: int) -> None:
            async with places:
                await shop.enqueue(status_sync(number * DELIVERIES + order + 1, 0))

        return await _rate(DELIVERIES, [one(order) for order in range(DELIVERIES)])


async def _rate(count: int, work: Sequence[Any]) -> float:
    began = time.perf_counter()
    await asyncio.gather(*work)
    return count / (time.perf_counter() - began)


class _Sqlite:
    """Raw inserts into a SQLite file."""

    writers = (1,)

    def __init__(self, file: Path) -> None:
        self._file = file

    def insert_again(self, table: str, _writers: int) -> float:
        """Take the rows of a table out, and put them in again one by one; return how many a second."""
        connection = sqlite3.connect(self._file, isolation_level=None)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 # a table of ours
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 # likewise
            insert = _insert(table, len(rows[0]), "?")
            return _timed(rows, lambda row: connection.execute(insert, row))
        finally:
            connection.close()


class _Postgres:
    """Raw inserts into PostgreSQL."""

    writers = (1, CONNECTIONS)

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def insert_again(self, table: str, writers: int) -> float:
        """Take the rows of a table out, and put them in again one by one; return how many a second."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 # a table of ours
            connection.execute(f"TRUNCATE {table} CASCADE")
        insert = _insert(table, len(rows[0]), "%s")
        connections = [psycopg.connect(self._url, autocommit=True) for _ in range(writers)]
        try:
            began = time.perf_counter()
            with ThreadPoolExecutor(writers) as threads:
                parts = [rows[number::writers] for number in range(writers)]

                def put(connection: "psycopg.Connection[Any]", part: list[Row]) -> None:
                    for row in part:
                        connection.execute(insert, row)

                list(threads.map(put, connections, parts))
            return len(rows) / (time.perf_counter() - began)
        finally:
            for connection in connections:
                connection.close()


def _timed(rows: Sequence[Row], put: Callable[[Row], object]) -> float:
    began = time.perf_counter()
    for row in rows:
        put(row)
    return len(rows) / (time.perf_counter() - began)


def _insert(table: str, columns: int, mark: str) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join([mark] * columns)})"  # noqa: S608 # a table of ours
