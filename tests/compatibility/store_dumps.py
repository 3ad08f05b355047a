"""Dumps of stores as SQL text, which can be reviewed, and loaded by later releases of the databases."""

import re
import sqlite3
import subprocess
import time
from contextlib import closing
from typing import cast

import psycopg
from sqlalchemy import inspect, text

from services.store.database.engine import parse_url
from services.store.database.schema_migrations import connect
from tests.support.postgres import find_binaries

EVENT_TIME = "event_time_ms"
"""The only time by 1688's clock, which is also in the content of the message."""
MAX_SENTINEL_MS = 1
"""A column of times may also contain 0 and 1, which are no times: see schema.py."""
_DUMP_OPTIONS = ("--inserts", "--no-owner", "--no-privileges", "--no-comments", "--no-tablespaces")
_SESSION = re.compile(r"(--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict ).*\n")
"""Lines that only concern the session of psql, and differ between releases of pg_dump."""


def dump_store(url: str) -> str:
    """Return a store as SQL: of SQLite as Python's `iterdump` writes it, of PostgreSQL as pg_dump does."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(parsed.database)) as connection:
            return "\n".join(connection.iterdump()) + "\n"
    command = [find_binaries() / "pg_dump", *_DUMP_OPTIONS, url.replace("+psycopg", "")]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 # pg_dump
    lines = [line for line in dumped.splitlines(keepends=True) if not _SESSION.fullmatch(line)]
    return re.sub(r"\n{3,}", "\n\n", "".join(lines)).strip() + "\n"


def load_store(url: str, sql: str) -> None:
    """Execute the SQL of a dump in an empty database."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(parsed.database)) as connection:
            connection.executescript(sql)
    else:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(cast("psycopg.abc.Query", sql))


def move_times(url: str, by_ms: int) -> None:
    """Add to the times of a store, as if its dump had been made so much later."""
    with connect(parse_url(url)) as connection:
        inspector = inspect(connection)
        for table in inspector.get_table_names():
            for column in (each["name"] for each in inspector.get_columns(table)):
                if column.endswith("_time_ms") and column != EVENT_TIME:
                    update = f"UPDATE {table} SET {column} = {column} + :by_ms WHERE {column} > :sentinel"  # noqa: S608 # names of our schema
                    connection.execute(text(update), {"by_ms": by_ms, "sentinel": MAX_SENTINEL_MS})


def now_ms() -> int:
    """Return the time of this machine."""
    return time.time_ns() // 1_000_000
