"""Migrates a store's schema, and checks that it fits this release.

The id of a revision is its number, and after an underscore the lowest number of a release that still works
with it: a release whose newest revision is 0003 works with the schema 0005_0003, and not with 0006_0004. So
during a rollout, and after a rollback, replicas of the previous release can start on the new schema.
"""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from services.errors import StartupError
from services.store.database import schema
from services.store.database.connect_causes import DATABASE_URL
from services.store.database.db_errors import find_cause
from services.store.database.engine import SQLITE, parse_url
from services.store.database.private_files import make_private

REVISION = re.compile(r"(?P<number>[0-9]{4})(_(?P<oldest>[0-9]{4}))?")
_MIGRATION_LOCK = 5168800  # the key of PostgreSQL's advisory lock: it serializes concurrent migrations
_LOCK_TIMEOUT_S = 60.0
_CONNECT_TIMEOUT_S = 10
_RETRY_INTERVAL_S = 0.05
_STORED_REVISION = text("SELECT version_num FROM alembic_version")
_DATABASE_STATE = text("SELECT current_setting('server_encoding'), current_setting('transaction_read_only')")


def migrate(url: str) -> None:
    """Bring the schema at a store's URL up to date, if it is not. Blocks the thread.

    A newer schema stays, if this release works with it. Several processes may call this at the same time.
    Raises StartupError.
    """
    with connect(parse_url(url)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        if not _is_current(_read_revision(connection)):
            from services.store.database import migration_scripts  # noqa: PLC0415 # alembic

            migration_scripts.upgrade(connection)


def check_schema(url: str) -> None:
    """Raise StartupError unless this release works with the schema at a store's URL. Blocks the thread."""
    with connect(parse_url(url)) as connection:
        revision = _read_revision(connection)
    if not _is_current(revision):
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


def _read_revision(connection: Connection) -> str | None:
    """Return the revision of the schema, as alembic has stored it; None if there is no schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(_STORED_REVISION).scalar_one_or_none()
    return revision


def _is_current(revision: str | None) -> bool:
    """Return whether a schema is that of this release, or a later one that this release works with.

    Raises StartupError if it is a later one that this release does not work with.
    """
    if revision is None:
        return False
    own, stored = (REVISION.fullmatch(each) for each in (schema.SCHEMA_REVISION, revision))
    assert own is not None  # noqa: S101 # a test checks it
    if stored and stored["number"] < own["number"]:
        return False
    if not stored or own["number"] < (stored["oldest"] or stored["number"]):
        raise _startup_error(f"the store's schema ({revision}) is newer than this release")
    return True


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
