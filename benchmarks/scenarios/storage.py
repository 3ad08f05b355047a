"""Callbacks and deliveries stored per second, next to plain inserts of the same rows; acknowledgements."""

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
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
from benchmarks.processes import Worker, server_process, worker_process
from benchmarks.results import Result, Series, absolute, measure_rounds, ratio
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
            with database_urls() as urls:
                results |= _measure(engine, *urls)
    return results


@contextmanager
def _sqlite_urls() -> Iterator[tuple[str, str, str]]:
    """Yield the URLs of three databases, on a disk and not in a memory file system."""
    with TemporaryDirectory(dir=ROOT / "build") as directory:
        service_url, plain_url, minimal_url = (
            f"sqlite+aiosqlite:///{Path(directory, name)}.db" for name in ("service", "plain", "minimal")
        )
        yield service_url, plain_url, minimal_url


@contextmanager
def _postgresql_urls() -> Iterator[tuple[str, str, str]]:
    with postgres_server() as server:
        with psycopg.connect(to_conninfo(server.url()), autocommit=True) as connection:
            connection.execute("CREATE DATABASE plain")
            connection.execute("CREATE DATABASE minimal")
        migrate(server.url())
        yield server.url(), server.url("plain"), server.url("minimal")


def _measure(engine: str, service_url: str, plain_url: str, minimal_url: str) -> dict[str, Result]:
    service_store = ServiceStore(service_url)
    settings = NO_REPLAY | {"NATIONALSITE_DATABASE_URL": service_url}
    with (
        delayed_upstream(responses.build_relations_response(), UPSTREAM_DELAY_S) as upstream_url,
        plain_store(plain_url) as plain,
        run_service("order_sync", upstream_url, settings, log=f"bench-{engine}") as order_sync,
        worker_process("grpc_client") as grpc_worker,
        worker_process("callback_client", order_sync.callback) as callback_worker,
        worker_process("stream_consumer", order_sync.address) as consumer,
        server_process("minimal_store", "callbacks", minimal_url) as minimal_callbacks,
        worker_process("callback_client", minimal_callbacks.address) as minimal_callback_worker,
        server_process("minimal_store", "enqueue", minimal_url) as minimal_enqueue,
    ):
        client = LoadClient(grpc_worker)

        def push(count: int, worker: Worker = callback_worker) -> float:
            result = LoadResult(**worker.run("closed_loop", in_flight=IN_FLIGHT, calls=count))
            return count / check_responses(result, 0).wall_s

        def enqueue(count: int, address: str = order_sync.address) -> float:
            requests = [build_enqueue_request() for _ in range(count)]
            result = client.call_each(address, ENQUEUE, requests, in_flight=IN_FLIGHT)
            return count / result.wall_s

        def consume() -> float:
            push(STREAMED)
            seconds: float = consumer.run(
                "consume", subscription=SUBSCRIPTION, messages=STREAMED, max_outstanding=MAX_OUTSTANDING
            )
            return STREAMED / seconds

        minimal_push = partial(push, worker=minimal_callback_worker)
        minimal_add = partial(enqueue, address=minimal_enqueue.address)
        for warm_up in (push, enqueue, minimal_push, minimal_add):
            warm_up(WARM_UP_CALLS)
        results: dict[str, Result] = {}
        for row, store_rows, minimal, table, count in (
            ("callbacks", push, minimal_push, "messages", CALLBACKS),
            ("enqueue", enqueue, minimal_add, "deliveries", DELIVERIES),
        ):
            service, minimal_server, single, batched = _measure_rates(
                partial(store_rows, count), partial(minimal, count), plain, service_store, table, count
            )
            results[f"{row}-{engine}"] = ratio(service, single, details=[batched])
            results[f"{row}-minimal-{engine}"] = ratio(service, minimal_server)
        consumer.run("create", subscription=SUBSCRIPTION)  # now: it makes callbacks more expensive
        rates = measure_rounds({"the service": consume}, "/s", STREAM_ROUNDS)
        return results | {f"acks-{engine}": absolute(rates["the service"])}


def _measure_rates(
    store_rows: Callable[[], float],
    store_minimally: Callable[[], float],
    plain: PlainStore,
    service_store: ServiceStore,
    table: str,
    count: int,
) -> Sequence[Series]:
    """Let both servers store rows; insert the service's plainly: half of them with a commit each."""
    subjects: dict[str, Callable[[], float]] = {
        "the service": store_rows,
        "minimal server that stores": store_minimally,
        "plain, one commit each": lambda: plain.insert(
            table, service_store.last_rows(table, count)[: count // 2], batch_size=1
        ),
        f"plain, {BATCH_SIZE} per commit": lambda: plain.insert(
            table, service_store.last_rows(table, count)[count // 2 :], batch_size=BATCH_SIZE
        ),
    }
    rates = measure_rounds(subjects, "/s", ROUNDS)
    return [rates[name] for name in subjects]


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
