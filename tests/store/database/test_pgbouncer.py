"""A store behind a real PgBouncer, whose few connections all clients share."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest
from sqlalchemy import text

from services.errors import StartupError, StoreUnavailable
from services.store import (
    DeliveredOutcome,
    Storage,
    StorageConfig,
    StoreLimits,
    migrate,
    open_store,
    storage_lifespan,
)
from services.store.cli import add_commands, run_command
from tests.store.factories import CAPACITIES, build_delivery, build_message, wait_until
from tests.store.leasing import ack, get_ids, lease, subscribe
from tests.support.pgbouncer import pgbouncer
from tests.support.postgres import PostgresServer, demote, postgres_server, promote

pytestmark = pytest.mark.postgres

POOL_SIZES = {"transaction": 3, "session": 30}
"""In the mode session, each client has a connection of its own."""
STATEMENT_TIMEOUT_S = 1.0
CALLS = 30


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=POOL_SIZES)
def url(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[str]:
    """The URL of a database through PgBouncer. It was also migrated through it."""
    mode = request.param
    postgres.create_database(f"pooled_{mode}")
    with pgbouncer(postgres, mode, pool_size=POOL_SIZES[mode]) as host:
        url = f"postgresql+psycopg://test@/pooled_{mode}?host={host}"
        migrate(url)
        yield url
    postgres.drop_database(f"pooled_{mode}")


@pytest.fixture
async def replicas(url: str) -> AsyncIterator[tuple[Storage, Storage]]:
    config = StorageConfig(store=StoreLimits(statement_timeout_s=STATEMENT_TIMEOUT_S))
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(storage_lifespan(url, config)) for _ in range(2)]
        yield one, other


async def test_everything_works(url: str, replicas: tuple[Storage, Storage]) -> None:
    """With more calls at a time than connections, and more of each than psycopg needs to prepare it."""
    one, other = replicas
    sent = set()

    async def send(delivery):
        sent.add(delivery.request_id)
        return DeliveredOutcome()

    await subscribe(one)
    async with one.build_relay(send, CAPACITIES).lifespan(), other.build_relay(send, CAPACITIES).lifespan():
        for first in range(0, 10 * CALLS, CALLS):
            numbers = range(first, first + CALLS)
            await asyncio.gather(
                *(replica.inbox.store([build_message(n)]) for n in numbers for replica in replicas),
                *(replicas[n % 2].deliveries.enqueue(build_delivery(n)) for n in numbers),
                *(replica.store.is_healthy() for replica in replicas),
            )
            received = await lease(other)
            assert set(get_ids(received)) == {f"m{n}" for n in numbers}
            assert await ack(one, received) == []
        await wait_until(lambda: len(sent) == 10 * CALLS, timeout_s=60)
    assert await asyncio.gather(*(replica.store.is_healthy() for replica in replicas)) == [True, True]


async def test_a_message_wakes_the_consumers_of_other_replicas(replicas: tuple[Storage, Storage]) -> None:
    one, other = replicas
    await subscribe(one)
    waiting = asyncio.create_task(lease(other, wait_s=60))
    await wait_until(lambda: bool(other.notifier._events))
    await one.inbox.store([build_message(1)])
    async with asyncio.timeout(10):  # without notifications, a consumer polls each 15 s
        assert get_ids(await waiting) == ["m1"]


async def test_statements_have_a_timeout_that_other_clients_do_not_get(
    url: str, replicas: tuple[Storage, Storage]
) -> None:
    with pytest.raises(StoreUnavailable, match="a statement took too long"):
        await replicas[0].store.read(lambda connection: connection.execute(text("SELECT pg_sleep(60)")))
    others = [await connect(url) for _ in range(2)]
    for other in others:
        async with other:
            shown = await other.execute("SHOW statement_timeout")
            assert await shown.fetchone() == ("0",)


async def connect(url: str) -> "psycopg.AsyncConnection[tuple[object, ...]]":
    return await psycopg.AsyncConnection.connect(url.replace("+psycopg", ""), autocommit=True)


def test_tables_are_not_rewritten(url: str) -> None:
    """The timeouts of the rewrite belong to a session."""
    parser = argparse.ArgumentParser()
    add_commands(parser, has_creations=False)
    options = parser.parse_args(["erase", "--member-id", "1"])
    with pytest.raises(StartupError, match="directly, or --no-rewrite"):
        run_command(options, url)


async def test_the_mode_statement_is_refused(postgres: PostgresServer) -> None:
    with pgbouncer(postgres, "statement", pool_size=3) as host:
        url = f"postgresql+psycopg://test@/postgres?host={host}"
        with pytest.raises(StartupError, match="runs in the mode statement; transaction or session"):
            async with open_store(url):
                pass
        with pytest.raises(StartupError, match="runs in the mode statement"):
            migrate(url)


@pytest.mark.parametrize("mode", POOL_SIZES)
async def test_the_server_becomes_the_primary_after_pgbouncer_connected(
    postgres: PostgresServer, mode: str
) -> None:
    """PgBouncer goes on saying that it is read-only, to each new client."""
    postgres.create_database(name := f"demoted_{mode}")
    with pgbouncer(postgres, mode, pool_size=POOL_SIZES[mode]) as host:
        url = f"postgresql+psycopg://test@/{name}?host={host}"
        demote(postgres)
        with pytest.raises(StartupError, match="read only"):
            migrate(url)
        promote(postgres)
        migrate(url)
        async with open_store(url) as store:
            assert await store.is_healthy()
            demote(postgres)
            assert not await store.is_healthy()
            promote(postgres)
            assert await store.is_healthy()
