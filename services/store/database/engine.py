"""The interface of a database engine, its limits, and the URLs that select one."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StartupError

T = TypeVar("T")

SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+psycopg"

_HOST = r"[^@/?,:]+(?::[0-9]+)?"
_SEVERAL_HOSTS = re.compile(
    rf"(?P<user>[^/]+://(?:[^/?]*@)?)(?P<hosts>{_HOST}(?:,{_HOST})+)(?P<rest>[/?].*)?"
)

UnitOfWork = Callable[[AsyncConnection], Awaitable[T]]
"""A function that runs statements in one transaction. It may run again after a rollback, so it must not
change anything but the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLimits:
    """How much of its database a store may use, and how long it waits."""

    max_connections: int = 10
    max_pending: int = 2000
    """Units of work that run or wait. Above that, those of the caller with the most are rejected."""
    lock_timeout_s: float = 5.0
    """Maximum wait for a lock that another writer holds, or for the turn to use a connection."""
    statement_timeout_s: float = 10.0
    transaction_timeout_s: float = 20.0
    """For a unit of work, from its start to its commit."""
    health_timeout_s: float = 2.0


class Engine(Protocol):
    """The interface that the engines of SQLite and PostgreSQL implement."""

    name: str
    """`sqlite` or `postgresql`."""
    is_pooled: bool
    """Whether a connection pooler is in front of the server: each transaction may run in another session."""

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work in a transaction that is on disk when this returns."""

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that only reads."""

    async def scrub(self, *, timeout_s: float, rewrite: Sequence[str] = ()) -> bool:
        """Remove the content of deleted rows from the files, as far as the engine does this on request.

        Free space in a file can have copies of it. They are removed if the tables `rewrite` are written anew;
        other transactions wait meanwhile. `timeout_s` is for the wait for readers of an older state. Return
        False if something may still be there: because of such a reader, or because PostgreSQL keeps it in
        free space without a rewrite.
        """

    async def close(self) -> None:
        """Close every connection."""


def parse_url(url: str) -> URL:
    """Parse a store's URL. Raises StartupError, without the URL, because it may contain a password.

    Several hosts may be written as libpq does (`//user@host1:5432,host2:5432/name`), or as SQLAlchemy does
    (`//user@/name?host=host1:5432&host=host2:5432`). libpq then connects to the one that is the primary.
    """
    several = _SEVERAL_HOSTS.fullmatch(url)
    try:
        parsed = make_url(url if several is None else several["user"] + (several["rest"] or ""))
        if several is not None:
            parsed = parsed.update_query_pairs([("host", host) for host in several["hosts"].split(",")])
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StartupError(["the store's URL cannot be read"]) from error
    if "," in (parsed.host or ""):
        raise StartupError(["the store's URL cannot be read"])
    if parsed.drivername not in {SQLITE, POSTGRESQL}:
        raise StartupError([f"the store's URL must begin with {SQLITE}:/// or {POSTGRESQL}://"])
    if parsed.drivername == SQLITE and parsed.database in {None, "", ":memory:"}:
        raise StartupError(["the store's URL must name a file: an in-memory database is not durable"])
    # A single host is checked after the connection was made. libpq's own check can be wrong: PgBouncer gives
    # each client the state of the server at the time when it connected to it first.
    if isinstance(parsed.query.get("host"), tuple):
        return parsed.update_query_dict({"target_session_attrs": "read-write", **parsed.query})
    return parsed
