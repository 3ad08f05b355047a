"""The latency of searches one after the other, through the service and with a handwritten client."""

import statistics
from collections.abc import Collection, Sequence

from benchmarks import responses
from benchmarks.cpu_cost import HandwrittenClient
from benchmarks.load_client import LoadClient, LoadResult
from benchmarks.nginx import nginx
from benchmarks.processes import worker_process
from benchmarks.results import Result, Series, difference
from benchmarks.services import run_service, search_target

OFFERS = 20
ROUNDS, CALLS = 7, 200
PERCENTILES = {"p50": 50, "p99": 99}
SERVICE, HANDWRITTEN = "the service", "handwritten client"


def latency(_rows: Collection[str]) -> dict[str, Result]:
    """Measure both percentiles. Both clients parse the responses: to a message, to a dict."""
    with (
        nginx() as upstream,
        run_service("product", upstream.url) as product,
        worker_process("grpc_client") as grpc_worker,
        worker_process("handwritten_client", upstream.url) as handwritten_worker,
    ):
        upstream.set_response(responses.KEYWORD_QUERY, responses.build_search_page(OFFERS))
        client, target = LoadClient(grpc_worker), search_target(product, OFFERS)
        handwritten = HandwrittenClient(worker=handwritten_worker, in_flight=1, offers=OFFERS)
        results: dict[str, list[LoadResult]] = {SERVICE: [], HANDWRITTEN: []}
        for number in range(-1, ROUNDS):  # round -1 warms up
            service_result = client.closed_loop(target, in_flight=1, calls=CALLS, parse=True)
            handwritten_result = handwritten.make_calls(CALLS)
            if number >= 0:
                results[SERVICE].append(service_result)
                results[HANDWRITTEN].append(handwritten_result)
    return {
        f"latency-{name}": difference(
            _percentiles(SERVICE, results[SERVICE], percent),
            _percentiles(HANDWRITTEN, results[HANDWRITTEN], percent),
        )
        for name, percent in PERCENTILES.items()
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of the values."""
    return statistics.quantiles(values, n=100)[percent - 1]


def _percentiles(name: str, results: Sequence[LoadResult], percent: int) -> Series:
    values = tuple(percentile(result.latencies_ms, percent) for result in results)
    return Series(name=name, unit="ms", values=values)
