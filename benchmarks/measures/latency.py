"""What a caller waits for one search after the other, through the service and by hand."""

import statistics
from collections.abc import Collection, Sequence

from benchmarks import replies
from benchmarks.calling import Caller, Load
from benchmarks.costs import ByHand
from benchmarks.nginx import nginx
from benchmarks.processes import worker
from benchmarks.services import searching, service
from benchmarks.taken import Series, Taken, difference

OFFERS = 20
ROUNDS, CALLS = 7, 200
PERCENTILES = {"p50": 50, "p99": 99}
SERVICE, HAND = "the service", "by hand"


def latency(_rows: Collection[str]) -> dict[str, Taken]:
    """Measure both percentiles. Both callers read what they get: a message here, a dict there."""
    with (
        nginx() as upstream,
        service("product", upstream.url) as product,
        worker("caller") as calling,
        worker("hand", upstream.url) as by_hand,
    ):
        upstream.answer(replies.KEYWORD_QUERY, replies.page(OFFERS))
        caller, target = Caller(calling), searching(product, OFFERS)
        hand = ByHand(worker=by_hand, in_flight=1, offers=OFFERS)
        loads: dict[str, list[Load]] = {SERVICE: [], HAND: []}
        for number in range(-1, ROUNDS):  # the first one warms up
            through = caller.closed(target, in_flight=1, calls=CALLS, read=True)
            direct = hand.calls(CALLS)
            if number >= 0:
                loads[SERVICE].append(through)
                loads[HAND].append(direct)
    return {
        f"latency-{name}": difference(
            _percentiles(SERVICE, loads[SERVICE], percent), _percentiles(HAND, loads[HAND], percent)
        )
        for name, percent in PERCENTILES.items()
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent do not exceed."""
    return statistics.quantiles(values, n=100)[percent - 1]


def _percentiles(what: str, loads: Sequence[Load], percent: int) -> Series:
    values = tuple(percentile(load.latencies_ms, percent) for load in loads)
    return Series(what=what, unit="ms", values=values)
