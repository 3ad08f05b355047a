"""Callbacks and deliveries stored per second, next to plain inserts of the same rows; acknowledgements."""

import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from nationalsite.ordersync import v1 as protos

from benchmarks import responses
from benchmarks.delayed_upstream import delayed_upstream
from benchmarks.load_client import LoadClient, LoadResult, check_responses
from benchmarks.plain_inserts import PlainStore, ServiceStore, plain_store, to_conninfo
from benchmarks.processes import worker_process
from benchmarks.results import Result, absolute, measure_rounds, ratio
from benchmarks.services import run_service
from services.store import migrate
from tests.support.postgres import postgres_server
from tools.local_stack import ROOT

ENQUEUE = f"/{protos.ORDER_SYNC_SERVICE.full_name}/EnqueueSync"
IN_FLIGHT = 32
ROUNDS, WARM_UP_CALLS = 5, 100
CALLBACKS, DELIVERIES = 500, 300
SUBSCRIPTION, STREAMED, MAX_OUTSTANDING, STREAM_ROUNDS = "bench", 3000, 100, 3
BATCH_SIZE = 32
"""Rows per transaction of the batched inserts."""
UPSTREAM_DELAY_S = 1.0
"""1688's time for a delivery: the relay is running meanwhile, but does little."""
NO_REPLAY = {"NATIONALSITE_REPLAY_SECONDS": "0"}


def storage(rows: Collection[str]) -> dict[str, Result]:
    """Measure the engines of the given rows."""
    engines = {"sqlite": _sqlite_urls, "postgresql": _postgresql_urls}
    results: dict[str, Result] = {}
    for engine, database_urls in engines.items():
        if any(row.endswith(engine) for row in rows):
            with database_urls() as (service_url, plain_url):
                results |= _measure(engine, service_url, plain_url)
    return results


@contextmanager
def _sqlite_urls() -> Iterator[tuple[str, str]]:
    """Yield the URLs of two databases, on a disk and not in a memory file system."""
    with TemporaryDirectory(dir=ROOT / "build") as directory:
        service_url, plain_url = (
            f"sqlite+aiosqlite:///{Path(directory, name)}.db" for name in ("service", "plain")
        )
        yield service_url, plain_url


@contextmanager
def _postgresql_urls() -> Iterator[tuple[str, str]]:
    with postgres_server() as server:
        with psycopg.connect(to_conninfo(server.url()), autocommit=True) as connection:
            connection.execute("CREATE DATABASE plain")
        migrate(server.url())
        yield server.url(), server.url("plain")


def _measure(engine: str, service_url: str, plain_url: str) -> dict[str, Result]:
    service_store = ServiceStore(service_url)
    settings = NO_REPLAY | {"NATIONALSITE_DATABASE_URL": service_url}
    with (
        delayed_upstream(responses.build_relations_response(), UPSTREAM_DELAY_S) as upstream_url,
        plain_store(plain_url) as plain,
        run_service("order_sync", upstream_url, settings, log=f"bench-{engine}") as order_sync,
        worker_process("grpc_client") as grpc_worker,
        worker_process("callback_client", order_sync.callback) as callback_worker,
        worker_process("stream_consumer", order_sync.address) as consumer,
    ):
        client = LoadClient(grpc_worker)

        def push(count: int) -> float:
            result = LoadResult(**callback_worker.run("closed_loop", in_flight=IN_FLIGHT, calls=count))
            return count / check_responses(result, 0).wall_s

        def enqueue(count: int) -> float:
            requests = [build_enqueue_request() for _ in range(count)]
            result = client.call_each(order_sync.address, ENQUEUE, requests, in_flight=IN_FLIGHT)
            return count / result.wall_s

        def consume() -> float:
            push(STREAMED)
            seconds: float = consumer.run(
                "consume", subscription=SUBSCRIPTION, messages=STREAMED, max_outstanding=MAX_OUTSTANDING
            )
            return STREAMED / seconds

        push(WARM_UP_CALLS)
        enqueue(WARM_UP_CALLS)
        results = {
            f"callbacks-{engine}": _compare(
                partial(push, CALLBACKS), plain, service_store, "messages", CALLBACKS
            ),
            f"enqueue-{engine}": _compare(
                partial(enqueue, DELIVERIES), plain, service_store, "deliveries", DELIVERIES
            ),
        }
        consumer.run("create", subscription=SUBSCRIPTION)  # now: it makes callbacks more expensive
        rates = measure_rounds({"the service": consume}, "/s", STREAM_ROUNDS)
        return results | {f"acks-{engine}": absolute(rates["the service"])}


def _compare(
    store_rows: Callable[[], float], plain: PlainStore, service_store: ServiceStore, table: str, count: int
) -> Result:
    """Let the service store rows, then insert the same rows: half with a commit each, half in batches."""
    service, single, batched = "the service", "plain, one commit each", f"plain, {BATCH_SIZE} per commit"
    rates = measure_rounds(
        {
            service: store_rows,
            single: lambda: plain.insert(
                table, service_store.last_rows(table, count)[: count // 2], batch_size=1
            ),
            batched: lambda: plain.insert(
                table, service_store.last_rows(table, count)[count // 2 :], batch_size=BATCH_SIZE
            ),
        },
        "/s",
        ROUNDS,
    )
    return ratio(rates[service], rates[single], details=[rates[batched]])


def build_enqueue_request() -> bytes:
    """Return a request that enqueues the relations of a new order."""
    number = uuid.uuid4().int % 10**15
    relation = protos.OrderRelation(
        national_order_id=str(number),
        national_sub_order_id=str(number + 1),
        cbu_order_id=number + 2,
        cbu_order_entry_id=number + 3,
    )
    request = protos.EnqueueSyncRequest(
        request_id=str(uuid.uuid4()),
        relations=protos.OrderRelations(relations=[relation]),
    )
    return request.SerializeToString()
