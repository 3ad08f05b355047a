"""Migrates a store's schema, and checks that it is current."""

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
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from services.errors import StartupError
from services.store.database.engine import SQLITE, parse_url

_SCRIPTS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 5168800  # the key of PostgreSQL's advisory lock: it serializes concurrent migrations
_LOCK_TIMEOUT_S = 60.0
_CONNECT_TIMEOUT_S = 10
_RETRY_INTERVAL_S = 0.05


def migrate(url: str) -> None:
    """Bring the schema at a store's URL up to date. Does nothing if it is. Blocks.

    Several processes may call this at the same time. Raises StartupError.
    """
    with connect(parse_url(url)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config = _build_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_schema(url: str) -> None:
    """Raise StartupError unless the schema at a store's URL is the one of this release. Blocks."""
    with connect(parse_url(url)) as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_build_config())
    if revision == scripts.get_current_head():
        return
    if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
        raise StartupError([f"the store's schema ({revision}) is newer than this release"])
    raise StartupError(
        [f"the store's schema ({revision or 'empty'}) is not current: run the command `migrate` first"]
    )


@contextmanager
def connect(url: URL) -> Iterator[Connection]:
    """Yield a connection in a transaction, through a blocking driver. Raises StartupError."""
    if url.drivername == SQLITE:
        engine = create_engine(
            url.set(drivername="sqlite"), poolclass=NullPool, connect_args={"timeout": _LOCK_TIMEOUT_S}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    else:
        engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_TIMEOUT_S})
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


def _build_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # else the driver begins late, and commits before some statements
    # The journal mode is stored in the file, so this is done once in the file's life. SQLite's own timeout
    # does not apply to it.
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_INTERVAL_S)
