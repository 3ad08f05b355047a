"""Migrates a store's schema, and checks that it fits this release.

The id of a revision is its number, and after an underscore the lowest number of a release that still works
with it: a release whose newest revision is 0003 works with the schema 0005_0003, and not with 0006_0004. So
during a rollout, and after a rollback, replicas of the previous release can start on the new schema.
"""

import os
import re
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
from services.store.database.connect_causes import DATABASE_URL
from services.store.database.db_errors import find_cause
from services.store.database.engine import SQLITE, parse_url
from services.store.database.private_files import make_private

_SCRIPTS = Path(__file__).parent / "migrations"
VERSIONS = (_SCRIPTS / "versions",)
"""The folders with migrations."""
REVISION = re.compile(r"(?P<number>[0-9]{4})(_(?P<oldest>[0-9]{4}))?")
_MIGRATION_LOCK = 5168800  # the key of PostgreSQL's advisory lock: it serializes concurrent migrations
_LOCK_TIMEOUT_S = 60.0
_CONNECT_TIMEOUT_S = 10
_RETRY_INTERVAL_S = 0.05
_DATABASE_STATE = text("SELECT current_setting('server_encoding'), current_setting('transaction_read_only')")


def migrate(url: str) -> None:
    """Bring the schema at a store's URL up to date, if it is not. Blocks the thread.

    A newer schema stays, if this release works with it. Several processes may call this at the same time.
    Raises StartupError.
    """
    with connect(parse_url(url)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        if _is_newer(connection):
            return
        config = _build_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_schema(url: str) -> None:
    """Raise StartupError unless this release works with the schema at a store's URL. Blocks the thread."""
    with connect(parse_url(url)) as connection:
        if _is_newer(connection):
            return
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision != build_scripts().get_current_head():
        raise _startup_error(
            f"the store's schema ({revision or 'empty'}) is not current: run the command `migrate` first"
        )


def has_pooler(url: str) -> bool:
    """Return whether a connection pooler, such as PgBouncer, is in front of PostgreSQL. Blocks the thread.

    A pooler gives each client a process id that it makes up, because the client uses several processes.
    """
    with connect(parse_url(url)) as connection:
        driver_connection = connection.connection.driver_connection
        assert driver_connection is not None  # noqa: S101 # it is open
        server_pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        return bool(server_pid != driver_connection.info.backend_pid)


def _is_newer(connection: Connection) -> bool:
    """Return whether the schema is of a later release, and works with this one.

    Raises StartupError if it does not work with this release.
    """
    revision = MigrationContext.configure(connection).get_current_revision()
    scripts = build_scripts()
    if revision is None or revision in {script.revision for script in scripts.walk_revisions()}:
        return False
    newer, own = (REVISION.fullmatch(each or "") for each in (revision, scripts.get_current_head()))
    oldest = newer and (newer["oldest"] or newer["number"])
    if not own or not oldest or own["number"] < oldest:
        raise _startup_error(f"the store's schema ({revision}) is newer than this release")
    return True


def build_scripts() -> ScriptDirectory:
    """Return the migrations of this release."""
    return ScriptDirectory.from_config(_build_config())


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
        connect_args = {
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "client_encoding": "utf8",  # else psycopg may return texts as bytes
            "prepare_threshold": None,  # a connection pooler does not know prepared statements
        }
        engine = create_engine(url, poolclass=NullPool, connect_args=connect_args)
    try:
        if url.drivername == SQLITE:
            make_private(Path(url.database or ""))
        with engine.begin() as connection:
            if url.drivername != SQLITE:
                _check_database(connection)
            yield connection
    except sqlite3.Error as error:
        raise _startup_error(f"the store cannot be opened: {error}") from error
    except DBAPIError as error:
        cause = find_cause(error)
        text = cause.text if cause else type(error.orig).__name__
        raise _startup_error(f"the store cannot be opened: {text}") from error
    except OSError as error:
        raise _startup_error(f"the store cannot be opened: {error.strerror}") from error


def _startup_error(problem: str) -> StartupError:
    return StartupError([f"{DATABASE_URL}: {problem}"])


def _check_database(connection: Connection) -> None:
    """Raise StartupError if a database of PostgreSQL cannot be a store."""
    encoding, is_read_only = connection.execute(_DATABASE_STATE).one()
    if encoding != "UTF8":
        # Others lack the characters of most texts, or, as SQL_ASCII, do not say what a text means.
        raise _startup_error(f"the database has the encoding {encoding}: create one with ENCODING 'UTF8'")
    if is_read_only == "on":
        raise _startup_error("the store cannot be opened: it is read only")


def _build_config() -> Config:
    config = Config()
    config.set_main_option("script_location", _escape(str(_SCRIPTS)))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", _escape(os.pathsep.join(map(str, VERSIONS))))
    return config


def _escape(value: str) -> str:
    return value.replace("%", "%%")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Else the driver begins transactions late, and commits before some statements.
    connection.isolation_level = None
    # The journal mode is stored in the file, so it is set only once for each file. SQLite's own lock timeout
    # does not apply to this statement, so it is retried here.
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_INTERVAL_S)
