"""Reads the arguments that both searches share."""

import json
import re
from collections.abc import Mapping

from services.sandbox.catalog.search import SOLD, Query, SalesRange, Sort, SortField
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import BadArgument
from services.sandbox.http.operation import Arguments

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 50

SORT_FIELDS: Mapping[Dialect, Mapping[str, SortField]] = {
    Dialect.NATIONAL_SITE: {"onePPrice": "price", "rePurchaseRate": "repurchase", "monthSoldOut": "sold"},
    Dialect.OPEN_PLATFORM: {"price": "price", "rePurchaseRate": "repurchase", "monthSold": "sold"},
}
"""What each dialect calls a sort field. A word of the other dialect sorts nothing."""


def query_of(arguments: Arguments) -> Query:
    """The query of a search. Raises BadArgument."""
    page = arguments.integer("beginPage")
    page_size = arguments.integer("pageSize")
    page = 1 if page is None else page
    page_size = DEFAULT_PAGE_SIZE if page_size is None else page_size
    if page < 1 or not 1 <= page_size <= MAX_PAGE_SIZE:
        raise BadArgument("beginPage, pageSize")
    return Query(
        choices=frozenset(_listed(arguments.text("filter"))),
        category_ids=_categories(arguments),
        price_from_fen=arguments.fen("priceStart"),
        price_to_fen=arguments.fen("priceEnd"),
        sales=_sales(arguments),
        sort=_sort(arguments),
        page=page,
        page_size=page_size,
    )


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _categories(arguments: Arguments) -> frozenset[int]:
    one = arguments.integer("categoryId")
    several = _listed(arguments.text("categoryIdList"))
    if not all(re.fullmatch(r"\d{1,19}", number) for number in several):
        raise BadArgument("categoryIdList")
    # 0 is the root, which holds everything.
    return frozenset(number for number in (one, *map(int, several)) if number)


def _sort(arguments: Arguments) -> Sort | None:
    text = arguments.text("sort")
    if not text:
        return None
    try:
        wanted = json.loads(text)
    except ValueError:
        raise BadArgument("sort") from None
    if not isinstance(wanted, dict):
        raise BadArgument("sort")
    fields = SORT_FIELDS[arguments.dialect]
    return next(
        (
            Sort(field=fields[name], descending=order == "desc")
            for name, order in wanted.items()
            if name in fields
        ),
        None,
    )


def _sales(arguments: Arguments) -> tuple[SalesRange, ...]:
    rows = arguments.values.get("saleFilterList") or []
    if not isinstance(rows, list):
        raise BadArgument("saleFilterList")
    ranges = []
    for row in rows:
        if not isinstance(row, dict) or row.get("saleType") not in SOLD:
            raise BadArgument("saleFilterList")
        bounds = Arguments(dialect=arguments.dialect, values=row, host=arguments.host)
        ranges.append(
            SalesRange(
                figure=row["saleType"], low=bounds.integer("saleStart"), high=bounds.integer("saleEnd")
            )
        )
    return tuple(ranges)
