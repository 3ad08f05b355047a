"""PostgreSQL as a store: a pool of connections, each with timeouts of the server and of the client."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import event, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from services.store.database.db_errors import is_conflict
from services.store.database.engine import StoreLimits, UnitOfWork

T = TypeVar("T")

_SNAPSHOT_INTERVAL_S = 0.2
_NEXT_XID = text("SELECT CAST(CAST(pg_current_xact_id() AS xid) AS text)")
_OLDEST_SNAPSHOT = text(
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database() AND age(backend_xmin) > age(CAST(CAST(:xid AS text) AS xid)))"
)
"""Whether another connection has a snapshot that is older than a transaction."""

READ_ONLY_QUERY, WRITABLE = "SHOW transaction_read_only", "off"
"""Asks whether the server of a connection is not the primary, and the response if it is."""
MAX_ATTEMPTS = 3
"""Of a transaction that PostgreSQL rolls back because of a conflict with another one."""
CONNECT_TIMEOUT_S = 5
"""For one connection attempt, to each address of a host name."""
NETWORK_TIMEOUT_S = 10
"""A connection without a response for this long counts as lost."""


class PrimaryDialect(PGDialectAsync_psycopg):
    """A dialect for which a connection is lost if its server is no longer the primary.

    A server that was demoted can keep its connections, and still answers reads.
    """

    supports_statement_cache = True

    @classmethod
    def get_async_dialect_cls(cls, _url: URL) -> "type[PrimaryDialect]":
        """Return this class."""
        return cls

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """Open a connection. Raises ReadOnlySqlTransaction if the server is not the primary."""
        dbapi_connection = super().connect(*cargs, **cparams)
        try:
            if self.do_ping(dbapi_connection):
                return dbapi_connection
            raise ReadOnlySqlTransaction("the server is not the primary")
        except BaseException:
            dbapi_connection.close()
            raise

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Return whether a connection can be used. If not, the pool drops all of its connections."""
        dbapi_connection.autocommit = True  # else psycopg begins a transaction
        cursor = dbapi_connection.cursor()
        try:
            cursor.execute(READ_ONLY_QUERY)
            (is_read_only,) = cursor.fetchone()
        finally:
            cursor.close()
            if not dbapi_connection.closed:
                dbapi_connection.autocommit = False
        return bool(is_read_only == WRITABLE)


_DRIVER = "postgresql+nationalsite"
registry.register(_DRIVER.replace("+", "."), __name__, PrimaryDialect.__name__)


class PostgresqlEngine:
    """Checks each connection before use, so that it replaces lost ones as soon as the server is back.

    It also replaces connections to a server that is no longer the primary, as soon as one of them is used.

    Behind a connection pooler such as PgBouncer, each transaction may run in another session of the server.
    Then no statement is prepared, and each transaction sets the timeouts, which costs a round trip.
    """

    name = "postgresql"

    def __init__(self, url: URL, limits: StoreLimits, *, is_pooled: bool = False) -> None:
        self.is_pooled = is_pooled
        self._engine = create_async_engine(
            url.set(drivername=_DRIVER),
            pool_size=limits.max_connections,
            max_overflow=0,
            pool_timeout=limits.lock_timeout_s,
            pool_pre_ping=True,
            connect_args=build_connect_args(url, limits, is_pooled=is_pooled),
            skip_autocommit_rollback=True,
        )
        if is_pooled:
            set_timeouts = ", ".join(
                f"set_config('{name}', '{milliseconds}', true)"
                for name, milliseconds in _timeouts_ms(limits).items()
            )
            event.listen(
                self._engine.sync_engine,
                "begin",
                lambda connection: connection.exec_driver_sql(f"SELECT {set_timeouts}"),
            )

    async def write(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work. Run it again if PostgreSQL rolled it back because of a conflict."""
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

    async def scrub(self, *, timeout_s: float, rewrite: Sequence[str] = ()) -> bool:
        """Write the tables anew (VACUUM FULL). Without this, the content stays in the free space of files.

        Deleted rows that a transaction could still read would be copied, so this waits for its end. It needs
        the rights of the tables' owner.
        """
        if not rewrite:
            return False
        deadline = asyncio.get_running_loop().time() + timeout_s
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            now = (await connection.execute(_NEXT_XID)).scalar_one()
            while (await connection.execute(_OLDEST_SNAPSHOT, {"xid": now})).scalar_one():
                if asyncio.get_running_loop().time() >= deadline:
                    return False
                await asyncio.sleep(_SNAPSHOT_INTERVAL_S)
            await connection.execute(text("SET statement_timeout = 0"))  # the caller has a timeout
            await connection.execute(text(f"SET lock_timeout = {round(timeout_s * 1000)}"))
            try:
                for table in rewrite:
                    await connection.execute(text(f"VACUUM (FULL) {table}"))
                return True
            finally:
                await connection.invalidate()  # the timeouts are not those of the pool's connections

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    async def _run(self, work: UnitOfWork[T]) -> T:
        async with self._engine.begin() as connection:
            return await work(connection)


def build_connect_args(url: URL, limits: StoreLimits, *, is_pooled: bool = False) -> dict[str, Any]:
    """Return psycopg's parameters: the timeouts of the client, and those of the server.

    A pooler rejects those of the server, and does not know prepared statements.
    """
    connect_args = {
        "application_name": "nationalsite",
        "client_encoding": "utf8",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": NETWORK_TIMEOUT_S,
        "keepalives_interval": NETWORK_TIMEOUT_S // 2,
        "keepalives_count": 2,
        "tcp_user_timeout": NETWORK_TIMEOUT_S * 1000,
    }
    if is_pooled:
        return {**connect_args, "prepare_threshold": None}
    url_options = url.query.get("options", "")
    options = [
        url_options if isinstance(url_options, str) else " ".join(url_options),
        *(f"-c {name}={milliseconds}" for name, milliseconds in _timeouts_ms(limits).items()),
    ]
    return {**connect_args, "options": " ".join(options).strip()}


def _timeouts_ms(limits: StoreLimits) -> dict[str, int]:
    """Return the timeouts of the server."""
    timeouts_s = {
        "statement_timeout": limits.statement_timeout_s,
        "lock_timeout": limits.lock_timeout_s,
        "idle_in_transaction_session_timeout": limits.transaction_timeout_s,
    }
    return {name: int(seconds * 1000) for name, seconds in timeouts_s.items()}
