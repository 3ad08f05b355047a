"""The interface of a database engine, its limits, and the URLs that select one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StartupError

T = TypeVar("T")

SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+psycopg"

UnitOfWork = Callable[[AsyncConnection], Awaitable[T]]
"""A function that runs statements in one transaction. It may run again after a rollback, so it must not
change anything but the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLimits:
    """How much of its database a store may use, and how long it waits."""

    max_connections: int = 10
    max_pending: int = 2000
    """Units of work that run or wait. More are rejected."""
    lock_timeout_s: float = 5.0
    """For a lock of another writer, or for a connection of the pool."""
    statement_timeout_s: float = 10.0
    transaction_timeout_s: float = 20.0
    """A unit of work, from its start to its commit."""
    health_timeout_s: float = 2.0


class Engine(Protocol):
    """What differs between SQLite and PostgreSQL."""

    name: str
    """`sqlite` or `postgresql`."""

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work in a transaction that is on disk when this returns."""

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that only reads."""

    async def scrub(self) -> None:
        """Overwrite the content of deleted rows, if the engine can do that on request."""

    async def close(self) -> None:
        """Close every connection."""


def parse_url(url: str) -> URL:
    """Parse a store's URL. Raises StartupError, without the URL, because it may contain a password."""
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StartupError(["the store's URL cannot be read"]) from error
    if parsed.drivername not in {SQLITE, POSTGRESQL}:
        raise StartupError([f"the store's URL must begin with {SQLITE}:/// or {POSTGRESQL}://"])
    if parsed.drivername == SQLITE and parsed.database in {None, "", ":memory:"}:
        raise StartupError(["the store's URL must name a file: an in-memory database is not durable"])
    return parsed
