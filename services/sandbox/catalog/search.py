"""Narrows, sorts and pages a list of offers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.sandbox.catalog.offers import Offer

REACHABLE = 2000
"""No search shows more offers than this, however many match."""

SOLD: Mapping[str, Callable[[Offer], int]] = {
    "sales7": lambda offer: offer.sold_7d,
    "sales14": lambda offer: offer.sold_14d,
    "sales30": lambda offer: offer.sold_30d,
    "totalSales": lambda offer: offer.sold_ever,
}
"""The sales that an answer can be narrowed by."""

SortField = Literal["price", "repurchase", "sold"]
_SORT_BY: Mapping[SortField, Callable[[Offer], int]] = {
    "price": lambda offer: offer.price_fen,
    "repurchase": lambda offer: offer.repurchase_permille,
    "sold": lambda offer: offer.sold_30d,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """An order inside a page."""

    field: SortField
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRange:
    """Bounds of one sales figure, both included."""

    figure: str
    """A key of SOLD."""
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What narrows a search, whether by words or by picture."""

    choices: frozenset[str] = frozenset()
    """Filter choice keys: an offer must satisfy each; an unknown one is ignored."""
    category_ids: frozenset[int] = frozenset()
    """Categories of any level, one of which must hold the offer; empty = any."""
    price_from_fen: int | None = None
    price_to_fen: int | None = None
    sales: tuple[SalesRange, ...] = ()
    sort: Sort | None = None
    page: int = 1
    page_size: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of what was found."""

    offers: tuple[Offer, ...]
    number: int
    size: int
    total: int
    """Reachable offers on all pages together."""

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.size)


def narrow(offers: Iterable[Offer], query: Query) -> list[Offer]:
    """The offers that satisfy everything the query asks, in the order they came."""
    return [offer for offer in offers if _chosen(offer, query) and _within(offer, query)]


def page_of(offers: Sequence[Offer], query: Query) -> Page:
    """One page; a sort orders the offers of the page only, as on the platform."""
    reachable = offers[:REACHABLE]
    start = (query.page - 1) * query.page_size
    shown = reachable[start : start + query.page_size]
    if query.sort:
        shown = sorted(shown, key=_SORT_BY[query.sort.field], reverse=query.sort.descending)
    return Page(offers=tuple(shown), number=query.page, size=query.page_size, total=len(reachable))


def _chosen(offer: Offer, query: Query) -> bool:
    return all(offer.choices.get(key, True) for key in query.choices)


def _within(offer: Offer, query: Query) -> bool:
    categories = {offer.department.category_id, offer.aisle.category_id, offer.kind.category_id}
    return (
        (not query.category_ids or not query.category_ids.isdisjoint(categories))
        and _between(offer.price_fen, query.price_from_fen, query.price_to_fen)
        and all(_between(SOLD[sales.figure](offer), sales.low, sales.high) for sales in query.sales)
    )


def _between(value: int, low: int | None, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)
