"""The goodput at ten times the capacity of the bulkhead, next to the peak throughput."""

from collections.abc import Collection

from benchmarks import responses
from benchmarks.delayed_upstream import delayed_upstream
from benchmarks.load_client import LoadClient
from benchmarks.processes import worker_process
from benchmarks.results import Result, Series, ratio
from benchmarks.services import run_service, search_target

OFFERS = 20
BULKHEAD_SLOTS, DELAY_S = 8, 0.1
SETTINGS = {"NATIONALSITE_MAX_UPSTREAM_CALLS": str(BULKHEAD_SLOTS)}
CAPACITY_PER_S = BULKHEAD_SLOTS / DELAY_S
OVERLOAD_FACTOR = 10
ROUNDS, DURATION_S = 3, 5
DEADLINE_S = 2.0


def overload(_rows: Collection[str]) -> dict[str, Result]:
    """Measure the goodput: calls per second that succeed within their deadline."""
    peak_rates, goodputs, rejection_rates = list[float](), list[float](), list[float]()
    with (
        delayed_upstream(responses.build_search_page(OFFERS), DELAY_S) as url,
        run_service("product", url, SETTINGS) as product,
        worker_process("grpc_client") as worker,
    ):
        client, target = LoadClient(worker), search_target(product, OFFERS)
        for _ in range(ROUNDS):
            peak = client.closed_loop(
                target, in_flight=BULKHEAD_SLOTS, calls=round(CAPACITY_PER_S * DURATION_S / 2)
            )
            peak_rates.append(peak.calls / peak.wall_s)
            offered_per_s = CAPACITY_PER_S * OVERLOAD_FACTOR
            result = client.constant_rate(
                target,
                calls_per_s=offered_per_s,
                calls=round(offered_per_s * DURATION_S),
                max_in_flight=round(offered_per_s * DEADLINE_S),
                deadline_s=DEADLINE_S,
            )
            goodputs.append(result.calls / result.wall_s)
            rejection_rates.append(result.failures.get("RESOURCE_EXHAUSTED", 0) / result.wall_s)
    return {
        "overload": ratio(
            Series(name="goodput at ten times the capacity", unit="/s", values=tuple(goodputs)),
            Series(name="peak throughput", unit="/s", values=tuple(peak_rates)),
            details=[Series(name="rejected by the bulkhead", unit="/s", values=tuple(rejection_rates))],
        )
    }
