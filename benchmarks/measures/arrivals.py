"""A thousand searches in flight at an upstream that takes a second: time, errors and memory."""

from collections.abc import Collection

from benchmarks import replies
from benchmarks.calling import Caller, Load
from benchmarks.cpu import forget_peak, peak_mib, resident_mib
from benchmarks.delaying import delaying
from benchmarks.measures.latency import percentile
from benchmarks.processes import worker
from benchmarks.services import searching, service
from benchmarks.taken import Curve, Series, Taken, alone, ratio

OFFERS = 20
DELAY_S = 1.0
IN_FLIGHT, CALLS = 1_000, 4_000
PER_S = IN_FLIGHT / DELAY_S
"""They arrive evenly, as fast as keeps a thousand in flight; more never are."""
ROUNDS = 3
DEADLINE_S = 10.0
ROOM = {"NATIONALSITE_MAX_UPSTREAM_CALLS": "1000"}
"""The most that can be set; by default 256 calls are at 1688 at once, and others wait."""
SERVICE, DIRECT = "the service", "the upstream itself"


def arrivals(_rows: Collection[str]) -> dict[str, Taken]:
    """Measure all of them."""
    through, direct, peaks = list[Load](), list[Load](), list[float]()
    with (
        delaying(replies.page(OFFERS), DELAY_S) as url,
        service("product", url, ROOM) as product,
        worker("caller") as calling,
        worker("direct", f"{url}/openapi/") as bare,
    ):
        caller, target = Caller(calling), searching(product, OFFERS)
        caller.one(target)
        idle = resident_mib(product.pid)
        for number in range(-1, ROUNDS):  # the first one warms up
            forget_peak(product.pid)
            calls = CALLS if number >= 0 else CALLS // 3
            load = caller.paced(target, per_s=PER_S, calls=calls, most=IN_FLIGHT, deadline_s=DEADLINE_S)
            other = Load(**bare.do("paced", per_s=PER_S, calls=calls, most=IN_FLIGHT))
            if number >= 0:
                peaks.append(peak_mib(product.pid))
                through.append(load)
                direct.append(other)
    failures: dict[str, int] = {}
    for load in through:
        for status, count in load.failures.items():
            failures[status] = failures.get(status, 0) + count
    curves = {SERVICE: _distribution(through), DIRECT: _distribution(direct)}
    rate = Series(what="answered", unit="/s", values=tuple(one.calls / one.wall_s for one in through))
    in_flight = Series(
        what="in flight at most", unit="", values=tuple(float(one.most_in_flight) for one in through)
    )
    errors = Series(
        what="calls that failed", unit="", values=tuple(float(sum(one.failures.values())) for one in through)
    )
    statuses = [Series(what=f"of them {name}", unit="", values=(count,)) for name, count in failures.items()]
    return {
        "arrivals": ratio(
            _p99(SERVICE, through), _p99(DIRECT, direct), parts=[in_flight, rate], curves=curves
        ),
        "arrivals-errors": alone(errors, parts=statuses),
        "memory-busy": alone(
            Series(what="at most", unit="MiB", values=tuple(peaks)),
            parts=[Series(what="before", unit="MiB", values=(idle,))],
        ),
    }


def _p99(what: str, loads: list[Load]) -> Series:
    return Series(
        what=f"p99 of {what}", unit="ms", values=tuple(percentile(load.latencies_ms, 99) for load in loads)
    )


def _distribution(loads: list[Load]) -> Curve:
    """Return how many percent of all calls took at most so long."""
    latencies = sorted(latency for load in loads for latency in load.latencies_ms)
    points = tuple((latencies[round((len(latencies) - 1) * part / 200)], part / 2) for part in range(201))
    return Curve(x="ms", y="% of calls", points=points)
