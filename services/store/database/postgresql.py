"""PostgreSQL as a store: a pool of connections, each with its own time limits."""

from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.store.database.db_errors import is_deadlock
from services.store.database.engine import StoreLimits, UnitOfWork

T = TypeVar("T")

RUNS = 3
"""How often a transaction is tried that PostgreSQL rolls back to end a deadlock."""
CONNECT_S = 5
"""For one connection attempt: to each address of a name."""
NETWORK_S = 10
"""After this long without an answer to what was sent, a connection counts as lost."""


class Postgresql:
    """An engine whose connections are looked at before use: it is back as soon as the server is."""

    name = "postgresql"

    def __init__(self, url: URL, limits: StoreLimits) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=limits.connections,
            max_overflow=0,
            pool_timeout=limits.lock_wait_s,
            pool_pre_ping=True,
            connect_args=connect_args(url, limits),
            skip_autocommit_rollback=True,
        )

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work; once more where PostgreSQL rolled it back to end a deadlock."""
        for _ in range(RUNS - 1):
            try:
                return await self._run(work)
            except DBAPIError as error:
                if not is_deadlock(error):
                    raise
        return await self._run(work)

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that changes nothing."""
        return await self._run(work)

    async def scrub(self) -> None:
        """Leave it to the server's own vacuum."""

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    async def _run(self, work: UnitOfWork[T]) -> T:
        async with self._engine.begin() as connection:
            return await work(connection)


def connect_args(url: URL, limits: StoreLimits) -> dict[str, str | int]:
    """Return libpq's parameters: bounds for what is waited for, here and by the server."""
    own = url.query.get("options", "")
    timeouts = {
        "statement_timeout": limits.statement_s,
        "lock_timeout": limits.lock_wait_s,
        "idle_in_transaction_session_timeout": limits.work_s,
    }
    options = [f"-c {name}={int(seconds * 1000)}" for name, seconds in timeouts.items()]
    return {
        "application_name": "nationalsite",
        "connect_timeout": CONNECT_S,
        "keepalives_idle": NETWORK_S,
        "keepalives_interval": NETWORK_S // 2,
        "keepalives_count": 2,
        "tcp_user_timeout": NETWORK_S * 1000,
        "options": " ".join([own if isinstance(own, str) else " ".join(own), *options]).strip(),
    }


async def advisory_xact_lock(connection: AsyncConnection, *key: int | str, shared: bool = False) -> None:
    """Wait for a lock of the application's own, named by a key; on SQLite the one writer has it already.

    Shared holders get on with each other, and exclude the others.
    """
    if connection.dialect.name != "postgresql":
        return
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    name = ":".join(map(str, key))
    await connection.execute(
        text(f"SELECT {function}(hashtextextended(:name, 0))"),  # a collision only waits needlessly
        {"name": name},
    )
