"""Translates the drivers' exceptions into the errors of `services.errors`. No other module does this."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import structlog
from prometheus_client import Counter
from sqlalchemy import exc

from services.errors import StoreUnavailable
from services.store.database.connect_causes import DATABASE_URL, find_connect_cause

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
        "42501": "its user lacks a right on its tables",
        "42P01": "a table is missing: run the command `migrate`",
        "53100": "its disk is full",
        "53300": "it has no connection left",
        "55P03": "a lock was not released in time",
        "57014": "a statement took too long",
        "57P": "it is shutting down or starting",
    }
)
"""Prefix of SQLite's error name or of PostgreSQL's SQLSTATE -> the cause, in words for callers and logs."""

_OF_SETTING = frozenset({"42501", "42P01"})
"""Codes of errors that PostgreSQL counts as those of a statement, and that an operator can mend."""

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
    except exc.DBAPIError as error:
        if is_programming_error(error):
            raise
        cause = find_cause(error) or Cause(NO_CONNECTION)
        raise _store_unavailable(cause, get_error_code(error)) from error
    except (exc.TimeoutError, TimeoutError) as error:
        raise _store_unavailable(Cause("it responds too slowly")) from error
    except (exc.PendingRollbackError, exc.ResourceClosedError, OSError) as error:
        # The first two: the connection broke between two statements.
        raise _store_unavailable(Cause(NO_CONNECTION)) from error


@asynccontextmanager
async def limit_time(timeout_s: float) -> AsyncIterator[None]:
    """Cancel the code in this context after a time, and raise StoreUnavailable."""
    with translate_db_errors():
        async with asyncio.timeout(timeout_s):
            yield


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


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the store cannot be used."""

    text: str
    """In words for callers and logs. It contains no value of a setting."""
    is_of_setting: bool = False
    """Whether an operator can mend it: in the database's URL, or where this points to."""

    def __str__(self) -> str:
        return f"{self.text} ({DATABASE_URL})" if self.is_of_setting else self.text


def find_cause(error: exc.DBAPIError) -> Cause | None:
    """Return the cause of an error; None if it is not known."""
    code = get_error_code(error)
    known = next((cause for prefix, cause in CAUSES.items() if code.startswith(prefix)), None)
    if known is not None and known != NO_CONNECTION:
        return Cause(known, is_of_setting=code in _OF_SETTING)
    if isinstance(error.orig, sqlite3.Error):
        return None
    text = find_connect_cause(str(error.orig))
    return Cause(text, is_of_setting=text not in CAUSES.values()) if text else None


def get_error_code(error: exc.DBAPIError) -> str:
    """Return the driver's code of an error: SQLITE_... or a SQLSTATE; empty if there is none."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "")
    # psycopg sets no code for a lost connection.
    return getattr(error.orig, "sqlstate", None) or ""


def is_programming_error(error: exc.DBAPIError) -> bool:
    """Return whether an error is caused by our statement, and not by the state of the database."""
    return isinstance(error, _PROGRAMMING_ERRORS) and get_error_code(error) not in _OF_SETTING


def is_conflict(error: exc.DBAPIError) -> bool:
    """Return whether PostgreSQL rolled the transaction back to end a deadlock or a serialization conflict."""
    return get_error_code(error) in _CONFLICTS


def _store_unavailable(cause: Cause, code: str = "") -> StoreUnavailable:
    setting = {"setting": DATABASE_URL} if cause.is_of_setting else {}
    _log.warning("store_unavailable", cause=cause.text, code=code, **setting)
    return StoreUnavailable(f"the store cannot be used now: {cause}")
