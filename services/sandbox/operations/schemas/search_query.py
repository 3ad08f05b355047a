"""Parses the arguments that both searches share."""

import json
import re
from collections.abc import Mapping

from services.sandbox.catalog.search import SALES_FIGURES, Query, SalesRange, Sort, SortField
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import InvalidArgument

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 50

SORT_FIELDS: Mapping[Dialect, Mapping[str, SortField]] = {
    Dialect.NATIONAL_SITE: {"onePPrice": "price", "rePurchaseRate": "repurchase", "monthSoldOut": "sold"},
    Dialect.OPEN_PLATFORM: {"price": "price", "rePurchaseRate": "repurchase", "monthSold": "sold"},
}
"""The names of the sort fields in each dialect. Names of the other dialect are ignored."""


def parse_query(arguments: Arguments) -> Query:
    """Return the query of a search. Raises InvalidArgument."""
    page = arguments.integer("beginPage")
    page_size = arguments.integer("pageSize")
    page = 1 if page is None else page
    page_size = DEFAULT_PAGE_SIZE if page_size is None else page_size
    if page < 1 or not 1 <= page_size <= MAX_PAGE_SIZE:
        raise InvalidArgument("beginPage, pageSize")
    return Query(
        filters=frozenset(_split_list(arguments.string("filter"))),
        category_ids=_parse_category_ids(arguments),
        price_from_fen=arguments.yuan_to_fen("priceStart"),
        price_to_fen=arguments.yuan_to_fen("priceEnd"),
        sales=_parse_sales(arguments),
        sort=_parse_sort(arguments),
        page=page,
        page_size=page_size,
    )


def _split_list(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _parse_category_ids(arguments: Arguments) -> frozenset[int]:
    single = arguments.integer("categoryId")
    listed = _split_list(arguments.string("categoryIdList"))
    if not all(re.fullmatch(r"\d{1,19}", number) for number in listed):
        raise InvalidArgument("categoryIdList")
    # 0 is the root, which contains all offers, so it is no condition.
    return frozenset(number for number in (single, *map(int, listed)) if number)


def _parse_sort(arguments: Arguments) -> Sort | None:
    text = arguments.string("sort")
    if not text:
        return None
    try:
        sort = json.loads(text)
    except ValueError:
        raise InvalidArgument("sort") from None
    if not isinstance(sort, dict):
        raise InvalidArgument("sort")
    fields = SORT_FIELDS[arguments.dialect]
    return next(
        (
            Sort(field=fields[name], descending=order == "desc")
            for name, order in sort.items()
            if name in fields
        ),
        None,
    )


def _parse_sales(arguments: Arguments) -> tuple[SalesRange, ...]:
    rows = arguments.values.get("saleFilterList") or []
    if not isinstance(rows, list):
        raise InvalidArgument("saleFilterList")
    ranges = []
    for row in rows:
        if not isinstance(row, dict) or row.get("saleType") not in SALES_FIGURES:
            raise InvalidArgument("saleFilterList")
        bounds = Arguments(dialect=arguments.dialect, values=row, host=arguments.host)
        ranges.append(
            SalesRange(
                figure=row["saleType"], low=bounds.integer("saleStart"), high=bounds.integer("saleEnd")
            )
        )
    return tuple(ranges)
