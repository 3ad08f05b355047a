"""Translates the drivers' exceptions into the errors of `services.errors`. No other module does this."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import structlog
from prometheus_client import Counter
from sqlalchemy import exc

from services.errors import StoreUnavailable

NO_CONNECTION = "no connection"
CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "SQLITE_BUSY": "it is locked by another process",
        "SQLITE_LOCKED": "it is locked by another process",
        "SQLITE_FULL": "its disk is full",
        "SQLITE_READONLY": "it is read only",
        "SQLITE_CANTOPEN": "its file cannot be opened",
        "SQLITE_IOERR": "its disk fails",
        "SQLITE_CORRUPT": "its file is damaged",
        "SQLITE_NOTADB": "its file is damaged",
        "08": NO_CONNECTION,
        "25006": "it is read only",
        "53100": "its disk is full",
        "53300": "it has no connection left",
        "55P03": "a lock was not released in time",
        "57014": "a statement took too long",
        "57P": "it is shutting down or starting",
    }
)
"""Prefix of SQLite's error name or of PostgreSQL's SQLSTATE -> the cause, in words for callers and logs."""

# Programming errors: a violated constraint, an invalid statement.
_PROGRAMMING_ERRORS = (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError)
_CONFLICTS = frozenset({"40001", "40P01"})  # a serialization conflict, a deadlock

_rejected = Counter(
    "nationalsite_store_rejected",
    "Calls rejected because too many waited for the store, and the most of them were of their caller.",
)
_log = structlog.get_logger()


@contextmanager
def translate_db_errors() -> Iterator[None]:
    """Raise StoreUnavailable for errors of the database. Programming errors pass unchanged."""
    try:
        yield
    except _PROGRAMMING_ERRORS:
        raise
    except exc.DBAPIError as error:
        code = get_error_code(error)
        cause = next((cause for prefix, cause in CAUSES.items() if code.startswith(prefix)), NO_CONNECTION)
        raise _store_unavailable(cause, code) from error
    except (exc.TimeoutError, TimeoutError) as error:
        raise _store_unavailable("it responds too slowly") from error
    except (exc.PendingRollbackError, exc.ResourceClosedError) as error:
        raise _store_unavailable(NO_CONNECTION) from error  # the connection broke between two statements
    except OSError as error:
        raise _store_unavailable(NO_CONNECTION) from error


def reject_waiter() -> StoreUnavailable:
    """Return the error of a call for which the store's fair queue has no place, and count it."""
    _rejected.inc()
    return StoreUnavailable(
        "the store cannot be used now: too many calls wait for it, and the most of them are of this caller"
    )


def copy_error(error: Exception) -> Exception:
    """Return a copy of a StoreUnavailable, and any other exception itself.

    If several callers get the same StoreUnavailable, each raises its own copy, with its own traceback.
    """
    return StoreUnavailable(*error.args) if isinstance(error, StoreUnavailable) else error


def get_error_code(error: exc.DBAPIError) -> str:
    """Return the driver's code of an error: SQLITE_... or a SQLSTATE; empty if there is none."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "")
    # psycopg sets no code for a lost connection.
    return getattr(error.orig, "sqlstate", None) or ""


def is_programming_error(error: exc.DBAPIError) -> bool:
    """Return whether an error is caused by our statement, and not by the state of the database."""
    return isinstance(error, _PROGRAMMING_ERRORS)


def is_conflict(error: exc.DBAPIError) -> bool:
    """Return whether PostgreSQL rolled the transaction back to end a deadlock or a serialization conflict."""
    return get_error_code(error) in _CONFLICTS


def _store_unavailable(cause: str, code: str = "") -> StoreUnavailable:
    _log.warning("store_unavailable", cause=cause, code=code)
    return StoreUnavailable(f"the store cannot be used now: {cause}")
