"""What gets through where ten times as much comes as there is room for, beside the most that ever does."""

from collections.abc import Collection

from benchmarks import replies
from benchmarks.calling import Caller
from benchmarks.delaying import delaying
from benchmarks.processes import worker
from benchmarks.services import searching, service
from benchmarks.taken import Series, Taken, ratio

OFFERS = 20
PLACES, DELAY_S = 8, 0.1
ROOM = {"NATIONALSITE_MAX_UPSTREAM_CALLS": str(PLACES)}
CAPACITY_PER_S = PLACES / DELAY_S
TIMES = 10
ROUNDS, SECONDS = 3, 5
DEADLINE_S = 2.0


def overload(_rows: Collection[str]) -> dict[str, Taken]:
    """Measure goodput: calls a second that end with OK, within their deadline."""
    peaks, goods, refused = list[float](), list[float](), list[float]()
    with (
        delaying(replies.page(OFFERS), DELAY_S) as url,
        service("product", url, ROOM) as product,
        worker("caller") as calling,
    ):
        caller, target = Caller(calling), searching(product, OFFERS)
        for _ in range(ROUNDS):
            peak = caller.closed(target, in_flight=PLACES, calls=round(CAPACITY_PER_S * SECONDS / 2))
            peaks.append(peak.calls / peak.wall_s)
            offered = CAPACITY_PER_S * TIMES
            storm = caller.paced(
                target,
                per_s=offered,
                calls=round(offered * SECONDS),
                most=round(offered * DEADLINE_S),
                deadline_s=DEADLINE_S,
            )
            goods.append(storm.calls / storm.wall_s)
            refused.append(storm.failures.get("RESOURCE_EXHAUSTED", 0) / storm.wall_s)
    return {
        "overload": ratio(
            Series(what="at ten times the capacity", unit="/s", values=tuple(goods)),
            Series(what="peak", unit="/s", values=tuple(peaks)),
            parts=[Series(what="refused as too much", unit="/s", values=tuple(refused))],
        )
    }
