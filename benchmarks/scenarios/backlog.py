"""Deliveries that the relay sends per second, with and without a backlog, and how long a claim searches."""

import asyncio
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from nationalsite.ordersync import v1 as protos
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks import responses
from benchmarks.load_client import LoadClient
from benchmarks.nginx import NginxUpstream, nginx
from benchmarks.plain_inserts import ServiceStore
from benchmarks.process_stats import cpu_s
from benchmarks.processes import free_port, worker_process
from benchmarks.results import Result, absolute, measure_rounds, ratio
from benchmarks.scenarios.storage import ENQUEUE, build_enqueue_request
from benchmarks.services import RunningService, run_service
from services.store import Store, migrate, open_store
from services.store.outbox.heads import find_due_heads
from tests.support.backlog import insert_backlog
from tests.support.postgres import create_database, postgres_server
from tools.local_stack import ROOT

OPERATION = "com.alibaba.fenxiao.crossborder/order.relation.write"
RPC = "WriteOrderRelations"
RPCS = ("SyncOrder", RPC, "SyncOrderStatus", "SyncLogisticsOrder", "SyncLogisticsStatus")
SMALL, LARGE = 2_500, 100_000
"""Pending deliveries at the start: as many as are measured, and a backlog."""
MANY_KEYS, FEW_KEYS = 20_000, 100
WARM_UP, MEASURED = 500, 2_000
ROUNDS, OUTAGE_ROUNDS, CLAIMS = 3, 1, 100
CLAIM_SIZE = 64
OUTAGE_BEGIN_S, OUTAGE_S = 5.0, 20.0
"""Until the circuit breaker is open, and for how long the CPU time is measured."""
CALLS = 100
"""Of a caller, one after the other, during an outage."""


def backlog(rows: Collection[str]) -> dict[str, Result]:
    """Measure the engines of the given rows."""
    results: dict[str, Result] = {}
    with nginx() as upstream:
        upstream.set_response(OPERATION, responses.build_relations_response())
        for engine, new_urls in (("sqlite", _sqlite_urls), ("postgresql", _postgresql_urls)):
            if any(row.endswith(engine) for row in rows):
                with new_urls() as urls:
                    results |= _measure(engine, upstream, *urls)
    return results


@contextmanager
def _sqlite_urls() -> Iterator[tuple[str, str, str]]:
    """Yield the URLs of three databases, on a disk and not in a memory file system."""
    with TemporaryDirectory(dir=ROOT / "build") as directory:
        small, many, few = (f"sqlite+aiosqlite:///{Path(directory, name)}.db" for name in ("s", "m", "f"))
        yield small, many, few


@contextmanager
def _postgresql_urls() -> Iterator[tuple[str, str, str]]:
    with postgres_server() as server:
        yield create_database(server), create_database(server), create_database(server)


def _measure(engine: str, upstream: NginxUpstream, small: str, many: str, few: str) -> dict[str, Result]:
    for url, count, keys in ((small, 0, 1), (many, LARGE, MANY_KEYS), (few, LARGE, FEW_KEYS)):
        migrate(url)
        if count:
            asyncio.run(_insert(url, count, keys))

    def send_small() -> float:
        asyncio.run(_insert(small, SMALL, SMALL))
        return _measure_rate(engine, upstream, small)

    send_many = partial(_measure_rate, engine, upstream, many)
    send_few = partial(_measure_rate, engine, upstream, few)
    alone, many_keys, few_keys = "nothing else waiting", "100,000 of 20,000 keys", "100,000 of 100 keys"
    searched = {
        f"search of a claim, {name}": partial(_measure_search, url)
        for name, url in ((many_keys, many), (few_keys, few))
    }
    searches = measure_rounds(searched, "ms", ROUNDS)
    rates = measure_rounds({alone: send_small, many_keys: send_many, few_keys: send_few}, "/s", ROUNDS)
    outages = measure_rounds(
        {
            "100,000 pending of 20,000 keys": partial(_measure_outage, engine, many),
            "100,000 of 100 keys": partial(_measure_outage, engine, few),
        },
        "% of a core",
        OUTAGE_ROUNDS,
    )
    waits = measure_rounds(
        {
            "1688 down, 100,000 pending": partial(_measure_wait, engine, many, None),
            "idle": partial(_measure_wait, engine, small, upstream.url),
        },
        "ms",
        OUTAGE_ROUNDS,
    )
    outage_many, outage_few = outages.values()
    first, second = searches.values()
    return {
        f"relay-{engine}": absolute(rates[alone]),
        f"relay-many-keys-{engine}": ratio(rates[many_keys], rates[alone]),
        f"relay-few-keys-{engine}": ratio(rates[few_keys], rates[alone]),
        f"claim-{engine}": absolute(first, details=[second]),
        f"outage-{engine}": absolute(outage_many, details=[outage_few]),
        f"outage-wait-{engine}": ratio(*waits.values()),
    }


async def _insert(url: str, count: int, keys: int) -> None:
    relation = protos.OrderRelation(
        national_order_id="1", national_sub_order_id="2", cbu_order_id=3, cbu_order_entry_id=4
    )
    payload = protos.OrderRelations(relations=[relation]).SerializeToString()
    async with open_store(url) as store:
        await insert_backlog(store, count=count, keys=keys, rpc=RPC, payload=payload)


def _measure_rate(engine: str, upstream: NginxUpstream, url: str) -> float:
    """Start a service; return how many deliveries it sends per second, without the first ones."""
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0", "NATIONALSITE_DATABASE_URL": url}
    store = ServiceStore(url)
    before = store.count_delivered()
    with run_service("order_sync", upstream.url, settings, log=f"bench-backlog-{engine}"):
        first, started = _wait_until_delivered(store, before + WARM_UP), time.perf_counter()
        last = _wait_until_delivered(store, before + WARM_UP + MEASURED)
        return (last - first) / (time.perf_counter() - started)


def _measure_outage(engine: str, url: str) -> float:
    """Return the CPU time that a service takes whose 1688 refuses connections, in percent."""
    with _service(engine, url, gateway_url=None) as service:
        before, started = cpu_s(service.pid), time.perf_counter()
        time.sleep(OUTAGE_S)
        return 100 * (cpu_s(service.pid) - before) / (time.perf_counter() - started)


def _measure_wait(engine: str, url: str, gateway_url: str | None) -> float:
    """Return the median of the milliseconds that a caller waits for EnqueueSync."""
    with _service(engine, url, gateway_url=gateway_url) as service, worker_process("grpc_client") as worker:
        requests = [build_enqueue_request() for _ in range(CALLS)]
        result = LoadClient(worker).call_each(service.address, ENQUEUE, requests, in_flight=1)
        return median(result.latencies_ms)


@contextmanager
def _service(engine: str, url: str, *, gateway_url: str | None) -> Iterator[RunningService]:
    """Start a service, and wait until it idles. Without a gateway, 1688 refuses connections."""
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0", "NATIONALSITE_DATABASE_URL": url}
    gateway_url = gateway_url or f"http://127.0.0.1:{free_port()}"
    with run_service("order_sync", gateway_url, settings, log=f"bench-outage-{engine}") as service:
        time.sleep(OUTAGE_BEGIN_S)
        yield service


def _wait_until_delivered(store: ServiceStore, count: int) -> int:
    """Wait until 1688 has accepted so many deliveries; return how many it has accepted."""
    while (delivered := store.count_delivered()) < count:
        time.sleep(0.05)
    return delivered


def _measure_search(url: str) -> float:
    """Return the median of the milliseconds in which a relay finds the next deliveries."""
    return asyncio.run(_search(url))


async def _search(url: str) -> float:
    async with open_store(url) as store:
        times = sorted([await _search_once(store) for _ in range(CLAIMS)])
        return times[CLAIMS // 2]


async def _search_once(store: Store) -> float:
    async def work(connection: AsyncConnection) -> float:
        started = time.perf_counter()
        limits = dict.fromkeys(RPCS, CLAIM_SIZE)
        heads = await find_due_heads(connection, limits, limit=CLAIM_SIZE, now_ms=store.clock(), turn=0)
        assert len(heads) == CLAIM_SIZE  # noqa: S101 # else it measures nothing
        return 1000 * (time.perf_counter() - started)

    return await store.read(work)
