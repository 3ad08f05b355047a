"""A shop with 1,000 orders a minute: two replicas of order sync, and one PostgreSQL.

1688 pushes to both replicas in turn, the shop enqueues at both in turn, and a stream at each replica consumes
the messages. `benchmarks.shop_orders` has what happens to an order. The schedule does not wait for responses,
and each age begins at the scheduled time. The upstream accepts every sync at once.
"""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.process_stats import cpu_s, family_cpu_s
from benchmarks.processes import Worker, worker_process
from benchmarks.results import Result, Series, absolute
from benchmarks.scenarios.latency import percentile
from benchmarks.services import RunningService, run_service
from benchmarks.shop_orders import LAST_STEP, STEP_S, SYNCS, list_calls, list_pushes, message_id
from services.store import migrate
from tests.support.postgres import PostgresServer, postgres_server

ORDERS_PER_S = 1000 / 60
DURATION_S = float(os.environ.get("BENCH_SHOP_S", "30"))
"""For how long orders are placed."""
WARM_UP_ORDERS = 50
DRAIN_TIMEOUT_S = 30.0
"""After the last event, until everything is acknowledged and delivered."""
RUN_MARGIN_S = 60.0
SETTINGS = {"NATIONALSITE_REPLAY_SECONDS": "0"}
_PENDING = (
    "SELECT (SELECT count(*) FROM subscription_messages), (SELECT count(*) FROM message_heads),"
    " (SELECT count(*) FROM deliveries WHERE state <> 'DELIVERED'), (SELECT count(*) FROM delivery_heads)"
)
_COUNTERS = (
    "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted,"
    " pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, wal_sync"
    " FROM pg_stat_database, pg_stat_wal WHERE datname = current_database()"
)
_TABLE_SIZES = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class DataLost(Exception):
    """Something that was accepted was lost, sent twice or out of sequence; or it was not accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What grows with the orders, since the start of the processes."""

    cpu_s: Mapping[str, float]
    """Of the replicas together, of PostgreSQL, and of the clients and the upstream together."""
    commits: float
    rows: float
    wal_bytes: float
    wal_syncs: float
    table_bytes: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed of the orders."""

    message_ages_ms: Sequence[float]
    """From the scheduled push to the receipt by the consumer."""
    delivery_ages_ms: Sequence[float]
    """From the scheduled EnqueueSync to the arrival at the upstream."""
    received_twice: int
    """Messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The processes."""

    postgres: PostgresServer
    replicas: Sequence[RunningService]
    upstream: Worker
    client: Worker
    consumer: Worker
    orders_per_s: float
    step_s: float

    def run_orders(self, first: int, orders: int) -> tuple[Observed, Mapping[str, list[float]]]:
        """Place orders, and wait for their end. Return what was observed, and what the client measured.

        Raises DataLost.
        """
        run = self.client.run(
            "run",
            timeout_s=orders / self.orders_per_s + LAST_STEP * self.step_s + RUN_MARGIN_S,
            callbacks=[replica.callback for replica in self.replicas],
            addresses=[replica.address for replica in self.replicas],
            first=first,
            orders=orders,
            orders_per_s=self.orders_per_s,
            step_s=self.step_s,
        )
        if failures := run.pop("failures"):
            raise DataLost(f"failures: {failures}")
        self._wait_until_finished()
        received, calls = self.consumer.run("take"), self.upstream.run("take")
        placed_s = {
            number: run["started_s"] + (number - first) / self.orders_per_s
            for number in range(first, first + orders)
        }
        return observe(placed_s, self.step_s, received, calls), run

    def count(self) -> Counters:
        """Return the counters of now."""
        ((commits, rows, wal_bytes, wal_syncs),) = self.postgres.fetch(_COUNTERS)
        workers = (self.client, self.consumer, self.upstream)
        return Counters(
            cpu_s={
                "both replicas": sum(cpu_s(replica.pid) for replica in self.replicas),
                "PostgreSQL": family_cpu_s(self.postgres.pid),
                "clients and upstream": sum(cpu_s(worker.pid) for worker in workers),
            },
            commits=commits,
            rows=rows,
            wal_bytes=wal_bytes,
            wal_syncs=wal_syncs,
            table_bytes=dict(self.postgres.fetch(_TABLE_SIZES)),
        )

    def _wait_until_finished(self) -> None:
        """Wait until no message and no delivery is pending. Raises DataLost."""
        deadline = time.monotonic() + DRAIN_TIMEOUT_S
        while any(*self.postgres.fetch(_PENDING)):
            if time.monotonic() > deadline:
                raise DataLost(
                    f"messages, their heads, deliveries, their heads: {self.postgres.fetch(_PENDING)}"
                )
            time.sleep(0.2)


def shop(_rows: Collection[str]) -> dict[str, Result]:
    """Measure all rows of the scenario. Raises DataLost."""
    with postgres_server() as postgres:
        return measure_shop(postgres, orders=round(ORDERS_PER_S * DURATION_S), orders_per_s=ORDERS_PER_S)


def measure_shop(
    postgres: PostgresServer,
    *,
    orders: int,
    orders_per_s: float,
    step_s: float = STEP_S,
    warm_up: int = WARM_UP_ORDERS,
) -> dict[str, Result]:
    """Measure so many orders with an empty database. Raises DataLost."""
    migrate(postgres.url())
    with _run_shop(postgres, orders_per_s, step_s) as running:
        running.run_orders(0, warm_up)
        before, started_s = running.count(), time.monotonic()
        observed, measured = running.run_orders(warm_up, orders)
        duration_s, after = time.monotonic() - started_s, running.count()
        ((connections,),) = postgres.fetch(_CONNECTIONS)
    used_s = {name: after.cpu_s[name] - before.cpu_s[name] for name in after.cpu_s}
    replicas, *others = [_value(f"CPU of {name}", "ms", 1000 * used_s[name] / orders) for name in used_s]
    grown_kib = {
        name: (after.table_bytes[name] - before.table_bytes[name]) / orders / 1024
        for name in after.table_bytes
    }
    return {
        "shop-message-age": absolute(
            _value("maximum", "ms", max(observed.message_ages_ms)),
            details=[
                *_percentiles("age", observed.message_ages_ms),
                *_percentiles("response to a push", measured["push"]),
                _value("messages", "", len(observed.message_ages_ms)),
                _value("received twice", "", observed.received_twice),
                _value("lateness of the client, p99", "ms", percentile(measured["lateness_ms"], 99)),
                _value("lateness of the client, maximum", "ms", max(measured["lateness_ms"])),
            ],
        ),
        "shop-delivery-age": absolute(
            _value("maximum", "ms", max(observed.delivery_ages_ms)),
            details=[
                *_percentiles("age", observed.delivery_ages_ms),
                *_percentiles("response of EnqueueSync", measured["enqueue"]),
                _value("deliveries", "", len(observed.delivery_ages_ms)),
            ],
        ),
        "shop-cpu": absolute(
            replicas,
            details=[
                *others,
                _value("both replicas", "% of a core", 100 * used_s["both replicas"] / duration_s),
                _value("PostgreSQL", "% of a core", 100 * used_s["PostgreSQL"] / duration_s),
                _value("orders", "", orders),
                _value("transactions per order", "", (after.commits - before.commits) / orders),
                _value("WAL flushes per order", "", (after.wal_syncs - before.wal_syncs) / orders),
                _value("rows written per order", "", (after.rows - before.rows) / orders),
                _value("WAL per order", "KiB", (after.wal_bytes - before.wal_bytes) / orders / 1024),
                _value("connections", "", connections),
                *(
                    _value(f"{name} per order", "KiB", kib)
                    for name, kib in sorted(grown_kib.items(), key=lambda item: -item[1])
                    if kib >= 0.05  # smaller tables do not grow
                ),
            ],
        ),
    }


def observe(
    placed_s: Mapping[int, float],
    step_s: float,
    received: Mapping[str, Sequence[float]],
    calls: Sequence[tuple[float, str, str]],
) -> Observed:
    """Return the ages. Raises DataLost if a message is missing, or a call was not made once and in sequence.

    `placed_s` has when each order was placed, `received` the times at which each message was received, and
    `calls` what the upstream recorded.
    """
    steps: defaultdict[str, list[str]] = defaultdict(list)
    arrivals_s: dict[tuple[str, str], float] = {}
    for call_s, key, step in calls:
        steps[key].append(step)
        arrivals_s[key, step] = call_s
    lost: list[str] = []
    message_ages_ms, delivery_ages_ms = list[float](), list[float]()
    for number, order_s in placed_s.items():
        for index, push in enumerate(list_pushes(number)):
            if times_s := received.get(str(message_id(number, index))):
                message_ages_ms.append(1000 * (times_s[0] - order_s - push.step * step_s))
            else:
                lost.append(f"message {message_id(number, index)}, {push.topic}")
        expected = list_calls(number)
        for key in {key for key, _ in expected}:
            expected_steps = [step for each, step in expected if each == key]
            if steps[key] != expected_steps:
                lost.append(f"calls of {key}: {steps[key]} in place of {expected_steps}")
        delivery_ages_ms += [
            1000 * (arrivals_s[call] - order_s - sync.step * step_s)
            for call, sync in zip(expected, SYNCS, strict=True)
            if call in arrivals_s
        ]
    if lost:
        raise DataLost(f"{len(lost)} lost or out of sequence, such as: {'; '.join(lost[:5])}")
    received_twice = sum(len(times_s) > 1 for times_s in received.values())
    return Observed(
        message_ages_ms=message_ages_ms, delivery_ages_ms=delivery_ages_ms, received_twice=received_twice
    )


@contextmanager
def _run_shop(postgres: PostgresServer, orders_per_s: float, step_s: float) -> Iterator[Shop]:
    settings = SETTINGS | {"NATIONALSITE_DATABASE_URL": postgres.url()}
    with ExitStack() as stack:
        upstream = stack.enter_context(worker_process("recording_upstream"))
        url = f"http://{upstream.run('get_address')}"
        replicas = [
            stack.enter_context(run_service("order_sync", url, settings, log=f"bench-shop-{number}"))
            for number in (1, 2)
        ]
        consumer = stack.enter_context(worker_process("shop_consumer"))
        consumer.run("start", addresses=[replica.address for replica in replicas])
        client = stack.enter_context(worker_process("shop_client"))
        yield Shop(
            postgres=postgres,
            replicas=replicas,
            upstream=upstream,
            client=client,
            consumer=consumer,
            orders_per_s=orders_per_s,
            step_s=step_s,
        )


def _percentiles(name: str, values: Sequence[float]) -> list[Series]:
    return [_value(f"{name}, p{percent}", "ms", percentile(values, percent)) for percent in (50, 99)]


def _value(name: str, unit: str, value: float) -> Series:
    return Series(name=name, unit=unit, values=(value,))
