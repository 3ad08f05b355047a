"""The rows of the table: the scenario that measures each, its title, its target."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from benchmarks.results import Result
from benchmarks.scenarios.backlog import backlog
from benchmarks.scenarios.cached import cached
from benchmarks.scenarios.call_counts import call_counts
from benchmarks.scenarios.concurrency import concurrency
from benchmarks.scenarios.image_memory import image_memory
from benchmarks.scenarios.latency import latency
from benchmarks.scenarios.overload import overload
from benchmarks.scenarios.scaling import scaling
from benchmarks.scenarios.search import search
from benchmarks.scenarios.shop import shop
from benchmarks.scenarios.small_page import small_page
from benchmarks.scenarios.startup import startup
from benchmarks.scenarios.storage import storage
from benchmarks.scenarios.store_costs import store_costs

Scenario = Callable[[Collection[str]], Mapping[str, Result]]
"""Measures the given rows; the result can contain others of the scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The target of a row: a limit for the median of its figure."""

    limit: float
    is_minimum: bool = False
    """Whether the limit is a minimum; else it is a maximum."""

    def is_met(self, figure: float) -> bool:
        """Return whether a figure is within the limit."""
        return figure >= self.limit if self.is_minimum else figure <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.is_minimum else '<='} {self.limit:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table."""

    name: str
    scenario: str
    """The scenario that measures it."""
    title: str
    threshold: Threshold | None = None
    """None: the row has no target."""


SCENARIOS: Mapping[str, Scenario] = {
    "search": search,
    "small-page": small_page,
    "latency": latency,
    "concurrency": concurrency,
    "cached": cached,
    "scaling": scaling,
    "image-memory": image_memory,
    "storage": storage,
    "backlog": backlog,
    "store-costs": store_costs,
    "shop": shop,
    "overload": overload,
    "startup": startup,
    "call-counts": call_counts,
}
"""In the order in which they run."""
ENGINES = (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))

_LINEAR = Threshold(limit=1.25)
"""Linear growth has 1; the rest allows for measuring errors."""
_SENT_PER_S = Threshold(limit=600, is_minimum=True)
_SAME_WITH_BACKLOG = Threshold(limit=0.8, is_minimum=True)
_LITTLE_MORE = Threshold(limit=1.25)

ROWS = (
    Row(
        name="handwritten",
        scenario="search",
        title="SearchByKeyword, 20 offers, 32 in flight: CPU of a call, relative to a handwritten client",
        threshold=Threshold(limit=0.36),
    ),
    Row(
        name="transcoder",
        scenario="search",
        title="the same, relative to Envoy's gRPC-JSON reverse transcoder",
        threshold=Threshold(limit=4),
    ),
    Row(
        name="minimal",
        scenario="search",
        title="the same, relative to a minimal server: only grpc.aio and aiohttp",
        threshold=Threshold(limit=2),
    ),
    Row(
        name="decoding",
        scenario="search",
        title="the same, relative to a minimal server that also decodes",
        threshold=Threshold(limit=1.5),
    ),
    Row(
        name="small-page",
        scenario="small-page",
        title="the same with a page of 4 KB in the national-site dialect, relative to a minimal server",
        threshold=Threshold(limit=1.8),
    ),
    Row(
        name="small-page-decoding",
        scenario="small-page",
        title="the same, relative to a minimal server that also decodes",
    ),
    Row(
        name="all-features",
        scenario="search",
        title="the same with a policy and traces to a collector, relative to the default settings",
    ),
    Row(
        name="latency-p50",
        scenario="latency",
        title="latency of a search, 1 in flight, p50, minus that of a handwritten client",
        threshold=Threshold(limit=0.5),
    ),
    Row(
        name="latency-p99",
        scenario="latency",
        title="the same, p99",
    ),
    Row(
        name="concurrency",
        scenario="concurrency",
        title="SearchByKeyword, 1,000 in flight, an upstream of 1 s: p99, relative to the upstream",
        threshold=Threshold(limit=1.15),
    ),
    Row(
        name="concurrency-failures",
        scenario="concurrency",
        title="the same: failed calls",
        threshold=Threshold(limit=0),
    ),
    Row(
        name="cached",
        scenario="cached",
        title="cached GetCategory: CPU of a call, relative to a minimal server with the same bytes",
        threshold=Threshold(limit=1.6),
    ),
    Row(
        name="cached-complete",
        scenario="cached",
        title="the same, relative to a minimal server that also validates, logs and counts",
        threshold=Threshold(limit=1.5),
    ),
    Row(
        name="detail",
        scenario="scaling",
        title="detail with 20, 200, 2,000 SKUs: CPU of one more SKU, among many relative to among few",
        threshold=_LINEAR,
    ),
    Row(
        name="pages",
        scenario="scaling",
        title="search pages of 10 to 50: CPU of one more offer, among many relative to among few",
        threshold=_LINEAR,
    ),
    Row(
        name="images",
        scenario="scaling",
        title="image of 0.1, 1, 5 MiB, sent unchanged: CPU of one more MiB beyond receiving it, "
        "at large relative to small sizes",
        threshold=_LINEAR,
    ),
    Row(
        name="images-shrunk",
        scenario="scaling",
        title="the same with default settings, which shrink large images",
    ),
    Row(
        name="image-memory",
        scenario="image-memory",
        title="image of 5 MiB: peak memory in images, relative to a minimal server that only receives it",
        threshold=_LITTLE_MORE,
    ),
    *(
        Row(
            name=f"{name}-{engine}",
            scenario="storage",
            title=f"{title} stored per second, {engine_title}, relative to plain inserts",
            threshold=Threshold(limit=limit, is_minimum=True),
        )
        for engine, engine_title in ENGINES
        for name, title, limit in (("callbacks", "callbacks", 0.6), ("enqueue", "EnqueueSync", 0.35))
    ),
    *(
        Row(
            name=f"{name}-minimal-{engine}",
            scenario="storage",
            title=f"{title} stored per second, {engine_title}, relative to a minimal server that stores",
        )
        for engine, engine_title in ENGINES
        for name, title in (("callbacks", "callbacks"), ("enqueue", "EnqueueSync"))
    ),
    *(
        Row(
            name=f"acks-{engine}",
            scenario="storage",
            title=f"messages of a stream, acknowledged one by one, per second, {engine_title}",
            threshold=Threshold(limit=3000, is_minimum=True),
        )
        for engine, engine_title in ENGINES
    ),
    *(
        Row(
            name=f"{name}-{engine}",
            scenario="backlog",
            title=f"{title}, {engine_title}",
            threshold=threshold,
        )
        for engine, engine_title in ENGINES
        for name, title, threshold in (
            (
                "relay",
                "deliveries sent per second, nothing else waiting",
                _SENT_PER_S,
            ),
            ("relay-many-keys", "the same with 100,000 pending, 20,000 keys", _SAME_WITH_BACKLOG),
            ("relay-few-keys", "the same with 100,000 pending, 100 keys", _SAME_WITH_BACKLOG),
            ("claim", "search of a claim with 100,000 pending, 20,000 keys", Threshold(limit=2)),
            ("outage", "CPU of the service while 1688 is down, with 100,000 pending", Threshold(limit=20)),
            ("outage-wait", "a caller's wait for EnqueueSync meanwhile", _LITTLE_MORE),
        )
    ),
    *(
        Row(
            name=f"{name}-{engine}",
            scenario="store-costs",
            title=f"{title}, {engine_title}",
            threshold=threshold,
        )
        for engine, engine_title in ENGINES
        for name, title, threshold in (
            (
                "hot-key",
                "poll with 50,000 messages of a leased ordering key, relative to one message",
                _LITTLE_MORE,
            ),
            ("metrics", "counting 100,000 deliveries and 50,000 messages for the metrics", None),
            ("full-order", "the two writes of the sync of a full order", None),
        )
    ),
    Row(
        name="shop-message-age",
        scenario="shop",
        title="1,000 orders a minute, two replicas, PostgreSQL: maximum age of a message at its consumer",
        threshold=Threshold(limit=1000),
    ),
    Row(
        name="shop-delivery-age",
        scenario="shop",
        title="the same: maximum age of a delivery when 1688 gets it",
    ),
    Row(
        name="shop-cpu",
        scenario="shop",
        title="the same: CPU of both replicas for an order of 8 messages and 7 syncs",
    ),
    Row(
        name="overload",
        scenario="overload",
        title="ten times the capacity of the bulkhead: goodput, relative to the peak throughput",
        threshold=Threshold(limit=0.8, is_minimum=True),
    ),
    Row(
        name="start-product",
        scenario="startup",
        title="start until SERVING, product: CPU",
        threshold=Threshold(limit=1),
    ),
    Row(
        name="start-order-sync",
        scenario="startup",
        title="the same, order sync, with an empty store",
        threshold=Threshold(limit=1),
    ),
    Row(
        name="start-account",
        scenario="startup",
        title="the same, account, with an empty store",
        threshold=Threshold(limit=1),
    ),
    Row(
        name="memory-idle",
        scenario="startup",
        title="resident memory, idle: order sync, and the others",
        threshold=Threshold(limit=130),
    ),
    Row(
        name="memory-idle-shared",
        scenario="startup",
        title="the same, order sync, with PostgreSQL and Redis",
        threshold=Threshold(limit=150),
    ),
    Row(
        name="memory-loaded",
        scenario="concurrency",
        title="resident memory with 1,000 searches in flight",
    ),
    *(
        Row(name=f"counts-{name}", scenario="call-counts", title=f"turns of the event loop, {title}")
        for name, title in (
            ("search", "SearchByKeyword, 20 offers, 1 in flight"),
            ("search-32", "the same, 32 in flight"),
            ("cached", "cached GetCategory, 1 in flight"),
            ("cached-32", "the same, 32 in flight"),
        )
    ),
)


def select_rows(names: Collection[str]) -> tuple[Row, ...]:
    """Return the rows with these names or of the scenarios with these names; all rows if there are no names.

    Raises KeyError for an unknown name.
    """
    for name in names:
        if name not in SCENARIOS and name not in {row.name for row in ROWS}:
            raise KeyError(name)
    return tuple(row for row in ROWS if not names or row.name in names or row.scenario in names)
