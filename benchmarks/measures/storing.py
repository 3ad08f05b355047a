"""How many callbacks and deliveries a service stores a second, beside raw inserts of the same rows."""

import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from nationalsite.ordersync import v1 as protos

from benchmarks import replies
from benchmarks.calling import Caller, Load, only_right
from benchmarks.delaying import delaying
from benchmarks.processes import worker
from benchmarks.raw import Raw, Stored, conninfo, raw
from benchmarks.services import service
from benchmarks.taken import Taken, ratio, series
from services.store import migrate
from tests.support.postgres import postgres_server
from tools.local_stack import ROOT

ENQUEUE = f"/{protos.ORDER_SYNC_SERVICE.full_name}/EnqueueSync"
IN_FLIGHT = 32
ROUNDS, WARM_UP = 5, 100
CALLBACKS, DELIVERIES = 500, 300
TOGETHER = 32
"""Rows of a transaction, where the raw inserts gather them too."""
BUSY_S = 1.0
"""What 1688 takes for a delivery: the relay sends meanwhile, and does little."""
QUIET = {"NATIONALSITE_REPLAY_SECONDS": "0"}


def storing(rows: Collection[str]) -> dict[str, Taken]:
    """Measure the engines whose rows are named."""
    engines = {"sqlite": _sqlite, "postgresql": _postgresql}
    taken: dict[str, Taken] = {}
    for engine, stores in engines.items():
        if any(row.endswith(engine) for row in rows):
            with stores() as (own, other):
                taken |= _measured(engine, own, other)
    return taken


@contextmanager
def _sqlite() -> Iterator[tuple[str, str]]:
    """Yield URLs of two stores, on the disk and not in a file system that is memory."""
    with TemporaryDirectory(dir=ROOT / "build") as directory:
        own, other = (f"sqlite+aiosqlite:///{Path(directory, name)}.db" for name in ("service", "raw"))
        yield own, other


@contextmanager
def _postgresql() -> Iterator[tuple[str, str]]:
    with postgres_server() as server:
        with psycopg.connect(conninfo(server.url()), autocommit=True) as connection:
            connection.execute("CREATE DATABASE raw")
        migrate(server.url())
        yield server.url(), server.url("raw")


def _measured(engine: str, own: str, other: str) -> dict[str, Taken]:
    stored = Stored(own)
    with (
        delaying(replies.relations_written(), BUSY_S) as url,
        raw(other) as bare,
        service(
            "order_sync", url, QUIET | {"NATIONALSITE_DATABASE_URL": own}, log=f"bench-{engine}"
        ) as orders,
        worker("caller") as calling,
        worker("pusher", orders.callback) as pusher,
    ):
        caller = Caller(calling)

        def push(count: int) -> float:
            load = Load(**pusher.do("closed", in_flight=IN_FLIGHT, calls=count))
            return count / only_right(load, 0).wall_s

        def enqueue(count: int) -> float:
            requests = [_relation() for _ in range(count)]
            return count / caller.each(orders.address, ENQUEUE, requests, in_flight=IN_FLIGHT).wall_s

        push(WARM_UP)
        enqueue(WARM_UP)
        return {
            f"callbacks-{engine}": _beside(lambda: push(CALLBACKS), bare, stored, "messages", CALLBACKS),
            f"enqueue-{engine}": _beside(lambda: enqueue(DELIVERIES), bare, stored, "deliveries", DELIVERIES),
        }


def _beside(store: Callable[[], float], bare: Raw, stored: Stored, table: str, count: int) -> Taken:
    """Let the service store, and then insert what it has stored, once a commit each and once gathered."""
    service_, single, gathered = "the service", "raw, a commit each", f"raw, {TOGETHER} in a commit"
    rates = series(
        {
            service_: store,
            single: lambda: bare.insert(table, stored.last(table, count)[: count // 2], together=1),
            gathered: lambda: bare.insert(table, stored.last(table, count)[count // 2 :], together=TOGETHER),
        },
        "/s",
        ROUNDS,
    )
    return ratio(rates[service_], rates[single], parts=[rates[gathered]])


def _relation() -> bytes:
    """Return the enqueueing of an order's relations: each of an order of its own."""
    number = uuid.uuid4().int % 10**15
    relation = protos.OrderRelation(
        national_order_id=str(number),
        national_sub_order_id=str(number + 1),
        cbu_order_id=number + 2,
        cbu_order_entry_id=number + 3,
    )
    request = protos.EnqueueSyncRequest(
        request_id=str(uuid.uuid4()), write_order_relations={"relations": [relation]}
    )
    return request.SerializeToString()
