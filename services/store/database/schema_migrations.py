"""Brings a store's schema up to date, and tells whether it is."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from services.errors import StartupError

SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+psycopg"
_SCRIPTS = Path(__file__).parent / "migrations"
_MIGRATING = 5168800  # PostgreSQL's advisory lock: replicas that start together migrate one after the other
_PATIENCE_S = 60.0


def migrate(url: str) -> None:
    """Bring the schema at a store's URL up to date; nothing happens where it is. Blocks.

    Safe to run from several processes at once. Raises StartupError.
    """
    with _connected(parse_url(url)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(url: str) -> None:
    """Raise StartupError unless the schema at a store's URL is what this release works with. Blocks."""
    with _connected(parse_url(url)) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    if found == scripts.get_current_head():
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise StartupError([f"the store's schema ({found}) is newer than this release"])
    raise StartupError(
        [f"the store's schema ({found or 'empty'}) is not current: run the command `migrate` first"]
    )


def parse_url(url: str) -> URL:
    """Read a store's URL. Raises StartupError, without the URL: it may hold a password."""
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StartupError(["the store's URL cannot be read"]) from error
    if parsed.drivername not in {SQLITE, POSTGRESQL}:
        raise StartupError([f"the store's URL has to begin with {SQLITE}:/// or {POSTGRESQL}://"])
    if parsed.drivername == SQLITE and parsed.database in {None, "", ":memory:"}:
        raise StartupError(["the store's URL has to name a file: what is kept in memory is not durable"])
    return parsed


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    """Yield a connection in a transaction, through the engine's blocking driver."""
    if url.drivername == SQLITE:
        engine = create_engine(
            url.set(drivername="sqlite"), poolclass=NullPool, connect_args={"timeout": _PATIENCE_S}
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    else:
        engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
    try:
        if url.drivername == SQLITE:
            Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        with engine.begin() as connection:
            yield connection
    except sqlite3.Error as error:
        raise StartupError([f"the store cannot be opened: {error}"]) from error
    except DBAPIError as error:
        raise StartupError([f"the store cannot be opened: {type(error.orig).__name__}"]) from error
    except OSError as error:
        raise StartupError([f"the store cannot be opened: {error.strerror}"]) from error


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin late, and commit before some statements
    # Kept in the file. SQLite does not wait for others here, and it is done once in a file's life.
    deadline = time.monotonic() + _PATIENCE_S
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
