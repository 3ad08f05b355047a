"""Filters, sorts and paginates offers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.sandbox.catalog.offers import Offer

MAX_RESULTS = 2000
"""A search returns no more offers than this, even if more match."""

SALES_FIGURES: Mapping[str, Callable[[Offer], int]] = {
    "sales7": lambda offer: offer.sold_7d,
    "sales14": lambda offer: offer.sold_14d,
    "sales30": lambda offer: offer.sold_30d,
    "totalSales": lambda offer: offer.sold_ever,
}
"""The sales figures that a search can filter by."""

SortField = Literal["price", "repurchase", "sold"]
_SORT_KEYS: Mapping[SortField, Callable[[Offer], int]] = {
    "price": lambda offer: offer.price_fen,
    "repurchase": lambda offer: offer.repurchase_permille,
    "sold": lambda offer: offer.sold_30d,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """The order of the offers in a page."""

    field: SortField
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRange:
    """Bounds of one sales figure, both included."""

    figure: str
    """A key of SALES_FIGURES."""
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The filters, the order and the page of a search, by keyword or by image."""

    filters: frozenset[str] = frozenset()
    """Filter keys: an offer must match all of them; unknown ones are ignored."""
    category_ids: frozenset[int] = frozenset()
    """Categories of any level: an offer must be in one of them; empty: any."""
    price_from_fen: int | None = None
    price_to_fen: int | None = None
    sales: tuple[SalesRange, ...] = ()
    sort: Sort | None = None
    page: int = 1
    page_size: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the results."""

    offers: tuple[Offer, ...]
    number: int
    size: int
    total: int
    """The number of offers on all pages together."""

    @property
    def page_count(self) -> int:
        """The number of pages."""
        return -(-self.total // self.size)


def filter_offers(offers: Iterable[Offer], query: Query) -> list[Offer]:
    """Return the offers that match a query, in the given sequence."""
    return [offer for offer in offers if _matches_filters(offer, query) and _matches_bounds(offer, query)]


def paginate(offers: Sequence[Offer], query: Query) -> Page:
    """Return one page. As on 1688, a sort orders only the offers within the page."""
    results = offers[:MAX_RESULTS]
    start = (query.page - 1) * query.page_size
    page = results[start : start + query.page_size]
    if query.sort:
        page = sorted(page, key=_SORT_KEYS[query.sort.field], reverse=query.sort.descending)
    return Page(offers=tuple(page), number=query.page, size=query.page_size, total=len(results))


def _matches_filters(offer: Offer, query: Query) -> bool:
    return all(offer.filter_matches.get(key, True) for key in query.filters)


def _matches_bounds(offer: Offer, query: Query) -> bool:
    categories = {
        offer.top_category.category_id,
        offer.second_category.category_id,
        offer.third_category.category_id,
    }
    return (
        (not query.category_ids or not query.category_ids.isdisjoint(categories))
        and _is_between(offer.price_fen, query.price_from_fen, query.price_to_fen)
        and all(
            _is_between(SALES_FIGURES[sales.figure](offer), sales.low, sales.high) for sales in query.sales
        )
    )


def _is_between(value: int, low: int | None, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)
