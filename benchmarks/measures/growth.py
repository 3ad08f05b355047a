"""How the cost of a call grows: with SKUs of an offer, offers of a page, bytes of a picture."""

from collections.abc import Callable, Collection, Mapping
from itertools import pairwise

from benchmarks import replies
from benchmarks.calling import Caller
from benchmarks.costs import Called
from benchmarks.nginx import nginx
from benchmarks.pictures import picture
from benchmarks.processes import worker
from benchmarks.services import reading, searching, service, uploading
from benchmarks.taken import Curve, Series, Taken, ratio, series

ROUNDS = 5
SKUS = {20: 160, 200: 80, 2_000: 16}
OFFERS = {10: 400, 20: 240, 30: 400, 40: 240, 50: 400}
PICTURE_MB = {0.1: 40, 1.0: 16, 5.0: 6}
"""Size -> calls of a round."""
IN_FLIGHT = 4
AS_IT_IS = {"NATIONALSITE_IMAGE_MAX_BYTES": str(5 * 2**20)}
"""No picture is made smaller."""

Calls = Callable[[float, int], float]
"""Makes calls of a size; returns the CPU of one."""


def growth(rows: Collection[str]) -> dict[str, Taken]:
    """Measure the rows that are named."""
    measures = {"detail": _detail, "pages": _pages, "pictures": _pictures, "pictures-fitted": _fitted}
    return {row: measure() for row, measure in measures.items() if row in rows}


def _detail() -> Taken:
    with nginx() as upstream, service("product", upstream.url) as product, worker("caller") as calling:
        caller = Caller(calling)

        def calls(skus: float, count: int) -> float:
            upstream.answer(replies.PRODUCT_DETAIL, replies.detail(int(skus)))
            return Called(caller=caller, target=reading(product, int(skus)), in_flight=IN_FLIGHT)(count)

        return _grown("SKUs", SKUS, calls)


def _pages() -> Taken:
    with nginx() as upstream, service("product", upstream.url) as product, worker("caller") as calling:
        caller = Caller(calling)

        def calls(offers: float, count: int) -> float:
            upstream.answer(replies.KEYWORD_QUERY, replies.page(int(offers)))
            return Called(caller=caller, target=searching(product, int(offers)), in_flight=IN_FLIGHT)(count)

        return _grown("offers", OFFERS, calls)


def _pictures() -> Taken:
    return _uploaded(AS_IT_IS)


def _fitted() -> Taken:
    return _uploaded({})


def _uploaded(settings: Mapping[str, str]) -> Taken:
    pictures = {size: picture(size) for size in PICTURE_MB}
    with (
        nginx() as upstream,
        service("product", upstream.url, settings) as product,
        worker("caller") as calling,
    ):
        upstream.answer(replies.IMAGE_UPLOAD, replies.uploaded())
        caller = Caller(calling)

        def calls(size: float, count: int) -> float:
            return Called(caller=caller, target=uploading(product, pictures[size]), in_flight=1)(count)

        return _grown("MB", PICTURE_MB, calls)


def _grown(of_what: str, sizes: Mapping[float, int], calls: Calls) -> Taken:
    """Compare what one more costs among many with what it costs among few: a straight line has 1."""
    for size, count in sizes.items():
        calls(size, -(-count // 2))  # warm
    costs = series(
        {f"{size:g} {of_what}": lambda size=size: calls(size, sizes[size]) for size in sizes}, "us", ROUNDS
    )
    few, middle, many = (list(sizes)[at] for at in (0, len(sizes) // 2, -1))
    early, late = (
        Series(
            what=f"one of {of_what} from {low:g} to {high:g}",
            unit="us",
            values=_slopes(costs[f"{low:g} {of_what}"], costs[f"{high:g} {of_what}"], high - low),
        )
        for low, high in pairwise((few, middle, many))
    )
    points = tuple((size, costs[f"{size:g} {of_what}"].median) for size in sizes)
    curve = Curve(x=of_what, y="us of CPU a call", points=points)
    return ratio(late, early, parts=tuple(costs.values()), curves={"the service": curve})


def _slopes(low: Series, high: Series, distance: float) -> tuple[float, ...]:
    return tuple((most - least) / distance for least, most in zip(low.values, high.values, strict=True))
