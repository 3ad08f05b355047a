"""The one place where a driver's failure becomes an error of our tree."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import structlog
from sqlalchemy import exc

from services.errors import StoreUnavailable

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "SQLITE_BUSY": "it is locked by another process",
        "SQLITE_LOCKED": "it is locked by another process",
        "SQLITE_FULL": "its disk is full",
        "SQLITE_READONLY": "it is read only",
        "SQLITE_CANTOPEN": "its file cannot be opened",
        "SQLITE_IOERR": "its disk fails",
        "SQLITE_CORRUPT": "its file is damaged",
        "SQLITE_NOTADB": "its file is damaged",
        "08": "no connection",
        "25006": "it is read only",
        "53100": "its disk is full",
        "53300": "it has no connection left",
        "55P03": "a lock was waited for too long",
        "57014": "a statement took too long",
        "57P": "it is shutting down or starting",
    }
)
"""The beginning of SQLite's name of an error, or of PostgreSQL's SQLSTATE -> what a caller is told."""

# Faults of ours, not of the store: a broken constraint, a statement that makes no sense.
_OURS = (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError)
_AGAIN = frozenset({"40001", "40P01"})  # PostgreSQL chose this transaction to end a deadlock

_log = structlog.get_logger()


@contextmanager
def translate_db_errors() -> Iterator[None]:
    """Turn what says that the store cannot be used now into StoreUnavailable; let our own faults through."""
    try:
        yield
    except _OURS:
        raise
    except exc.DBAPIError as error:
        raise _unavailable(code_of(error)) from error
    except (exc.TimeoutError, TimeoutError) as error:
        raise _unavailable("", "it answers too slowly") from error
    except (exc.PendingRollbackError, exc.ResourceClosedError) as error:
        raise _unavailable("", "no connection") from error  # a connection that broke between two statements
    except OSError as error:
        raise _unavailable("", "no connection") from error


def code_of(error: exc.DBAPIError) -> str:
    """Return the driver's own code of a failure: SQLITE_... or a SQLSTATE; empty where it gave none."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "")
    # psycopg gives a lost connection no code.
    return getattr(error.orig, "sqlstate", None) or ""


def is_programming_error(error: exc.DBAPIError) -> bool:
    """Return whether a failure is a fault of ours, and not of the store."""
    return isinstance(error, _OURS)


def is_deadlock(error: exc.DBAPIError) -> bool:
    """Return whether the transaction was rolled back only to make way for another one."""
    return code_of(error) in _AGAIN


def _unavailable(code: str, words: str = "") -> StoreUnavailable:
    if not words:
        words = next((text for start, text in WORDS.items() if code.startswith(start)), "no connection")
    _log.warning("store_unavailable", cause=words, code=code)
    return StoreUnavailable(f"the store cannot be used now: {words}")
