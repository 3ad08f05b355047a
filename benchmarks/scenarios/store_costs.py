"""What single operations of the store cost with a large backlog, without a service around it."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import structlog

from benchmarks.results import Result, absolute, measure_rounds, ratio
from services.store import (
    BegunSync,
    FullOrder,
    FullOrderKind,
    Storage,
    StorageConfig,
    SubscriptionName,
    SubscriptionSpec,
    migrate,
    storage_lifespan,
)
from tests.support.backlog import insert_backlog, insert_messages
from tests.support.postgres import create_database, postgres_server
from tools.local_stack import ROOT

DELIVERIES, KEYS = 100_000, 20_000
MESSAGES = 50_000
"""Of one ordering key."""
ROUNDS, REPETITIONS = 3, 20
LEASE_S = 600.0
CONFIG = StorageConfig(backlog_metrics_interval_s=3600)
"""The metrics are updated only by the measurement."""

Measure = Callable[[Storage, int], Awaitable[object]]
"""What is measured, with the id of the subscription."""


def store_costs(rows: Collection[str]) -> dict[str, Result]:
    """Measure the engines of the given rows."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    results: dict[str, Result] = {}
    for engine, new_urls in (("sqlite", _sqlite_urls), ("postgresql", _postgresql_urls)):
        if any(row.endswith(engine) for row in rows):
            with new_urls() as urls:
                results |= _measure(engine, *urls)
    return results


@contextmanager
def _sqlite_urls() -> Iterator[tuple[str, str]]:
    with TemporaryDirectory(dir=ROOT / "build") as directory:
        small, large = (f"sqlite+aiosqlite:///{Path(directory, name)}.db" for name in ("small", "large"))
        yield small, large


@contextmanager
def _postgresql_urls() -> Iterator[tuple[str, str]]:
    with postgres_server() as server:
        yield create_database(server), create_database(server)


def _measure(engine: str, small: str, large: str) -> dict[str, Result]:
    for url, messages in ((small, 1), (large, MESSAGES)):
        migrate(url)
        asyncio.run(_fill(url, messages))
    asyncio.run(_insert_deliveries(large))

    def measures(name: str, measure: Measure) -> dict[str, Callable[[], float]]:
        return {
            f"{name}, with a backlog": lambda: asyncio.run(_median_ms(large, measure)),
            f"{name}, without": lambda: asyncio.run(_median_ms(small, measure)),
        }

    poll_large, poll_small = measure_rounds(measures("poll", _poll), "ms", ROUNDS).values()
    metrics_large, metrics_small = measure_rounds(measures("metrics", _update_metrics), "ms", ROUNDS).values()
    full_order = partial(_median_ms, large, _sync_full_order)
    written = measure_rounds({"the two writes": lambda: asyncio.run(full_order())}, "ms", ROUNDS)
    return {
        f"hot-key-{engine}": ratio(poll_large, poll_small),
        f"metrics-{engine}": absolute(metrics_large, details=[metrics_small]),
        f"full-order-{engine}": absolute(written["the two writes"]),
    }


async def _fill(url: str, messages: int) -> None:
    """Insert messages of one key, and lease the first one."""
    async with storage_lifespan(url, CONFIG) as storage:
        subscription_id = await _subscribe(storage)
        await insert_messages(storage.store, subscription_id, count=messages, keys=1)
        leased = await storage.dispatcher.lease(subscription_id, limit=1, lease_s=LEASE_S, wait_s=0)
        assert len(leased) == 1  # noqa: S101 # else it measures nothing


async def _insert_deliveries(url: str) -> None:
    async with storage_lifespan(url, CONFIG) as storage:
        await insert_backlog(storage.store, count=DELIVERIES, keys=KEYS)


async def _median_ms(url: str, measure: Measure) -> float:
    async with storage_lifespan(url, CONFIG) as storage:
        subscription_id = await _subscribe(storage)
        times_ms: list[float] = []
        for _ in range(REPETITIONS):
            started = time.perf_counter()
            await measure(storage, subscription_id)
            times_ms.append(1000 * (time.perf_counter() - started))
        return median(times_ms)


async def _subscribe(storage: Storage) -> int:
    return await storage.subscriptions.open(SubscriptionName(caller="", name="bench"), SubscriptionSpec())


async def _poll(storage: Storage, subscription_id: int) -> None:
    assert not await storage.dispatcher.lease(subscription_id, limit=100, lease_s=LEASE_S, wait_s=0)  # noqa: S101


async def _update_metrics(storage: Storage, _: int) -> None:
    await storage.backlog_metrics.update()


async def _sync_full_order(storage: Storage, _: int) -> None:
    order = FullOrder(
        kind=FullOrderKind.ORDER, id="1", national_order_id="1", member_id=None, payload=b"0" * 1000
    )
    begun = await storage.full_orders.begin(order.key, uuid.uuid4().hex, lease_s=30)
    assert isinstance(begun, BegunSync)  # noqa: S101 # nothing else syncs it
    await storage.full_orders.finish(begun, order)
