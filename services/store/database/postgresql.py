"""PostgreSQL as a store: a pool of connections, each with timeouts of the server and of the client."""

from typing import TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from services.store.database.db_errors import is_conflict
from services.store.database.engine import StoreLimits, UnitOfWork

T = TypeVar("T")

MAX_ATTEMPTS = 3
"""For a transaction that PostgreSQL rolls back because of a deadlock."""
CONNECT_TIMEOUT_S = 5
"""For one connection attempt, to each address of a host name."""
NETWORK_TIMEOUT_S = 10
"""A connection without a response for this long counts as lost."""


class PostgresqlEngine:
    """Checks connections before use, so that it recovers as soon as the server is back."""

    name = "postgresql"

    def __init__(self, url: URL, limits: StoreLimits) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=limits.max_connections,
            max_overflow=0,
            pool_timeout=limits.lock_timeout_s,
            pool_pre_ping=True,
            connect_args=build_connect_args(url, limits),
            skip_autocommit_rollback=True,
        )

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work. Run it again if PostgreSQL rolled it back because of a deadlock."""
        for _ in range(MAX_ATTEMPTS - 1):
            try:
                return await self._run(work)
            except DBAPIError as error:
                if not is_conflict(error):
                    raise
        return await self._run(work)

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that only reads."""
        return await self._run(work)

    async def scrub(self) -> None:
        """Do nothing: the server's vacuum removes deleted rows."""

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    async def _run(self, work: UnitOfWork[T]) -> T:
        async with self._engine.begin() as connection:
            return await work(connection)


def build_connect_args(url: URL, limits: StoreLimits) -> dict[str, str | int]:
    """Return libpq's parameters: the timeouts of the client and of the server."""
    url_options = url.query.get("options", "")
    timeouts_s = {
        "statement_timeout": limits.statement_timeout_s,
        "lock_timeout": limits.lock_timeout_s,
        "idle_in_transaction_session_timeout": limits.transaction_timeout_s,
    }
    options = [f"-c {name}={int(seconds * 1000)}" for name, seconds in timeouts_s.items()]
    return {
        "application_name": "nationalsite",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": NETWORK_TIMEOUT_S,
        "keepalives_interval": NETWORK_TIMEOUT_S // 2,
        "keepalives_count": 2,
        "tcp_user_timeout": NETWORK_TIMEOUT_S * 1000,
        "options": " ".join(
            [url_options if isinstance(url_options, str) else " ".join(url_options), *options]
        ).strip(),
    }
