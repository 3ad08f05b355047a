"""What a store asks of its database engine."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

UnitOfWork = Callable[[AsyncConnection], Awaitable[T]]
"""A unit of work. It may run twice, where the first time was rolled back: it changes nothing outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLimits:
    """What a store may take of its engine, and how long things may take."""

    connections: int = 10
    waiting: int = 2000
    """Units of work under way or waiting; what comes on top is refused."""
    lock_wait_s: float = 5.0
    """For another writer, or for a connection of the pool."""
    statement_s: float = 10.0
    work_s: float = 20.0
    """A unit of work, from its start to its commit."""
    health_s: float = 2.0


class Engine(Protocol):
    """What differs between SQLite and PostgreSQL."""

    name: str
    """`sqlite` or `postgresql`."""

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work in a transaction that is on disk when this returns."""

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that changes nothing."""

    async def scrub(self) -> None:
        """Overwrite what deleted rows left behind, as far as that is in our hands."""

    async def close(self) -> None:
        """Close every connection."""
