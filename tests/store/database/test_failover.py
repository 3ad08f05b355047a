"""PostgreSQL fails over: connections to a server that is no longer the primary are dropped."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from services.errors import StartupError, StoreUnavailable
from services.store import Storage, StorageConfig, StoreLimits, migrate, storage_lifespan
from services.store.database.opening import open_store
from tests.store.factories import build_message, wait_until
from tests.store.leasing import get_ids, lease, subscribe
from tests.support.postgres import PostgresServer, demote, postgres_server
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = pytest.mark.postgres

MAX_RECOVERY_S = 10.0
LIMITS = StoreLimits(health_timeout_s=10)
"""On a loaded machine, a health check may take seconds after a server has started."""
READERS = 20
"""More than the pool has connections, so that every one is used."""


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        migrate(server.url())
        yield server


@pytest.fixture
def standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    with postgres_server(primary) as server:
        yield server


@pytest.fixture
def proxy(primary: PostgresServer) -> Iterator[TcpProxy]:
    """The address of the primary, as a name in DNS."""
    with tcp_proxy(primary.socket) as proxy:
        yield proxy


@asynccontextmanager
async def open_storage(url: str) -> AsyncIterator[Storage]:
    """A storage in use: every connection of its pool is open, and one message is stored."""
    async with storage_lifespan(url, StorageConfig(store=LIMITS)) as storage:
        await subscribe(storage)
        await storage.inbox.store([build_message(1)])
        await use_all_connections(storage)
        yield storage


async def use_all_connections(storage: Storage) -> None:
    """Read in parallel. Errors do not matter."""

    async def read() -> None:
        await storage.store.read(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(0.2)"))

    await asyncio.gather(*(read() for _ in range(READERS)), return_exceptions=True)


async def measure_recovery(storage: Storage) -> float:
    """Store a message until it succeeds; then every call must. Return after how many seconds it did."""
    started = time.monotonic()
    while True:
        try:
            await storage.inbox.store([build_message(2)])
            break
        except StoreUnavailable:
            assert time.monotonic() - started < MAX_RECOVERY_S
            await asyncio.sleep(0.05)
    recovery_s = time.monotonic() - started
    for number in range(READERS):
        await storage.inbox.store([build_message(10 + number)])
        assert await storage.store.is_healthy()
    assert set(get_ids(await lease(storage, wait_s=5))) >= {"m1", "m2"}
    return recovery_s


async def wait_until_unhealthy(storage: Storage) -> None:
    """Wait until the health check says so. It may not say otherwise while nothing can be written."""
    async with asyncio.timeout(MAX_RECOVERY_S):
        while await storage.store.is_healthy():
            await asyncio.sleep(0.05)
    for _ in range(5):
        assert not await storage.store.is_healthy()
        with pytest.raises(StoreUnavailable):
            await storage.inbox.store([build_message(3)])


async def test_the_name_leads_to_a_standby_for_a_while(primary, standby, proxy, report):
    async with open_storage(f"postgresql+psycopg://test@127.0.0.1:{proxy.port}/postgres") as storage:
        proxy.target = standby.socket
        await asyncio.to_thread(primary.stop)
        await wait_until_unhealthy(storage)
        await use_all_connections(storage)  # a pool without checks now has connections to the standby
        await asyncio.to_thread(primary.start)
        proxy.target = primary.socket
        report(f"recovered after {await measure_recovery(storage):.2f} s")


async def test_the_old_primary_is_demoted_and_keeps_its_connections(primary, standby, proxy, report):
    """As when a managed PostgreSQL fails over, or makes a server read-only because its disk is full."""
    async with open_storage(f"postgresql+psycopg://test@127.0.0.1:{proxy.port}/postgres") as storage:
        await wait_for_replication(standby)
        demote(primary)
        await wait_until_unhealthy(storage)
        proxy.target = standby.socket
        await asyncio.to_thread(standby.execute, "SELECT pg_promote()")
        report(f"recovered after {await measure_recovery(storage):.2f} s")


@pytest.mark.parametrize("hosts", ["@{},{}/postgres", "@/postgres?host={}&host={}"])
async def test_a_url_with_several_hosts(primary, standby, hosts, report):
    with tcp_proxy(primary.socket) as first, tcp_proxy(standby.socket) as second:
        addresses = (f"127.0.0.1:{proxy.port}" for proxy in (second, first))  # the standby first
        async with open_storage("postgresql+psycopg://test" + hosts.format(*addresses)) as storage:
            await wait_for_replication(standby)
            await asyncio.to_thread(primary.stop)
            await wait_until_unhealthy(storage)
            await asyncio.to_thread(standby.execute, "SELECT pg_promote()")
            report(f"recovered after {await measure_recovery(storage):.2f} s")


async def test_a_standby_is_refused_at_start(primary, standby):
    with pytest.raises(StartupError, match="read only"):
        async with open_store(standby.url()):
            pass


async def wait_for_replication(server: PostgresServer) -> None:
    """Wait until a standby has the stored message."""
    await wait_until(lambda: server.fetch("SELECT count(*) FROM subscription_messages") == [(1,)])
