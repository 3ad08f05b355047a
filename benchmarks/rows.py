"""The rows of the table: what is measured, by what, and what is wanted of it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from benchmarks.measures.arrivals import arrivals
from benchmarks.measures.cached import cached
from benchmarks.measures.copies import copies
from benchmarks.measures.growth import growth
from benchmarks.measures.latency import latency
from benchmarks.measures.overload import overload
from benchmarks.measures.search import search
from benchmarks.measures.starting import starting
from benchmarks.measures.storing import storing
from benchmarks.taken import Taken

Measure = Callable[[Collection[str]], Mapping[str, Taken]]
"""Measures the rows that are named, and perhaps others that come along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A bound on the median of a row's figure."""

    limit: float
    at_least: bool = False
    """Whether the figure is to be above it; below, otherwise."""

    def met(self, figure: float) -> bool:
        """Whether a figure is within it."""
        return figure >= self.limit if self.at_least else figure <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    measures: str
    """The measure that yields it."""
    title: str
    wanted: Wanted | None = None
    """None: it is told, and nothing is wanted of it."""


MEASURES: Mapping[str, Measure] = {
    "search": search,
    "latency": latency,
    "arrivals": arrivals,
    "cached": cached,
    "growth": growth,
    "copies": copies,
    "storing": storing,
    "overload": overload,
    "starting": starting,
}
"""In the order that they run in."""

_LINEAR = Wanted(limit=1.25)
"""A straight line has 1; the rest is what measuring leaves uncertain."""

ROWS = (
    Row(
        name="hand",
        measures="search",
        title="SearchByKeyword, 20 offers, 32 in flight: CPU of a call, beside the same by hand",
        wanted=Wanted(limit=1 / 3),
    ),
    Row(
        name="transcoder",
        measures="search",
        title="the same, beside Envoy's gRPC-JSON reverse transcoder",
        wanted=Wanted(limit=4),
    ),
    Row(
        name="floor",
        measures="search",
        title="the same, beside the floor: grpc.aio and aiohttp, and nothing between",
        wanted=Wanted(limit=1.33),
    ),
    Row(
        name="everything",
        measures="search",
        title="the same with a policy and traces to a collector, beside the service as it is by default",
    ),
    Row(
        name="latency-p50",
        measures="latency",
        title="latency of a search, 1 in flight, p50, beside a direct call by hand",
        wanted=Wanted(limit=0.5),
    ),
    Row(
        name="latency-p99",
        measures="latency",
        title="the same, p99",
    ),
    Row(
        name="arrivals",
        measures="arrivals",
        title="SearchByKeyword, 1,000 in flight, an upstream of 1 s: p99, beside the upstream itself",
        wanted=Wanted(limit=1.3),
    ),
    Row(
        name="arrivals-errors",
        measures="arrivals",
        title="the same: calls that failed",
        wanted=Wanted(limit=0),
    ),
    Row(
        name="cached",
        measures="cached",
        title="cached GetCategory: CPU of a call, beside a grpc.aio echo of the same bytes",
        wanted=Wanted(limit=1.25),
    ),
    Row(
        name="detail",
        measures="growth",
        title="detail with 20, 200, 2,000 SKUs: CPU of one more SKU, late beside early",
        wanted=_LINEAR,
    ),
    Row(
        name="pages",
        measures="growth",
        title="search pages of 10 to 50: CPU of one more offer, late beside early",
        wanted=_LINEAR,
    ),
    Row(
        name="pictures",
        measures="growth",
        title="picture of 0.1, 1, 5 MB, sent as it is: CPU of one more MB, late beside early",
        wanted=_LINEAR,
    ),
    Row(
        name="pictures-fitted",
        measures="growth",
        title="the same where large ones are made smaller, as by default",
    ),
    Row(
        name="copies",
        measures="copies",
        title="picture of 5 MB: memory held at most, in pictures",
        wanted=Wanted(limit=4),
    ),
    *(
        Row(
            name=f"{what}-{engine}",
            measures="storing",
            title=f"{title} stored per second, {named}, beside raw inserts",
            wanted=Wanted(limit=0.5, at_least=True),
        )
        for engine, named in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
        for what, title in (("callbacks", "callbacks"), ("enqueue", "EnqueueSync"))
    ),
    Row(
        name="overload",
        measures="overload",
        title="ten times the bulkhead's capacity: goodput, beside the peak",
        wanted=Wanted(limit=0.8, at_least=True),
    ),
    Row(
        name="start-product",
        measures="starting",
        title="start to SERVING, product: CPU",
        wanted=Wanted(limit=1),
    ),
    Row(
        name="start-order-sync",
        measures="starting",
        title="the same, order sync, on a new store",
        wanted=Wanted(limit=1),
    ),
    Row(
        name="start-account",
        measures="starting",
        title="the same, account, on a new store",
        wanted=Wanted(limit=1),
    ),
    Row(
        name="memory-idle",
        measures="starting",
        title="resident memory, idle: product, and the others",
    ),
    Row(
        name="memory-busy",
        measures="arrivals",
        title="resident memory with 1,000 searches in flight",
    ),
)


def chosen(names: Collection[str]) -> tuple[Row, ...]:
    """Return the rows of these names, or of the measures of these names; all where there are none.

    Raises KeyError for a name that is neither.
    """
    for name in names:
        if name not in MEASURES and name not in {row.name for row in ROWS}:
            raise KeyError(name)
    return tuple(row for row in ROWS if not names or row.name in names or row.measures in names)
