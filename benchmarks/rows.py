"""The rows of the table: what is measured, by what, and what is wanted of it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from benchmarks.measures.search import search
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
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


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
}
"""In the order that they run in."""

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
        title="the same, beside the floor: grpc.aio and aiohttp with nothing between",
        wanted=Wanted(limit=1.33),
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
