"""A thousand searches in flight at an upstream with a delay of one second: latency, failures, memory."""

from collections import Counter
from collections.abc import Collection

from benchmarks import responses
from benchmarks.delayed_upstream import delayed_upstream
from benchmarks.load_client import LoadClient, LoadResult
from benchmarks.process_stats import peak_mib, reset_peak, resident_mib
from benchmarks.processes import worker_process
from benchmarks.results import Curve, Result, Series, absolute, ratio
from benchmarks.scenarios.latency import percentile
from benchmarks.services import run_service, search_target

OFFERS = 20
DELAY_S = 1.0
MAX_IN_FLIGHT, CALLS = 1_000, 4_000
CALLS_PER_S = MAX_IN_FLIGHT / DELAY_S
"""The rate that keeps a thousand calls in flight."""
ROUNDS = 3
DEADLINE_S = 10.0
SETTINGS = {"NATIONALSITE_MAX_UPSTREAM_CALLS": "1000"}
"""The maximum of the setting. By default 256 calls are at 1688 at the same time, and others wait."""
SERVICE, UPSTREAM = "the service", "the upstream"


def concurrency(_rows: Collection[str]) -> dict[str, Result]:
    """Measure all rows of the scenario."""
    service_results, upstream_results, peaks = list[LoadResult](), list[LoadResult](), list[float]()
    with (
        delayed_upstream(responses.build_search_page(OFFERS), DELAY_S) as url,
        run_service("product", url, SETTINGS) as product,
        worker_process("grpc_client") as grpc_worker,
        worker_process("http_client", f"{url}/openapi/") as http_worker,
    ):
        client, target = LoadClient(grpc_worker), search_target(product, OFFERS)
        client.call_once(target)
        idle_mib = resident_mib(product.pid)
        for number in range(-1, ROUNDS):  # round -1 warms up
            reset_peak(product.pid)
            calls = CALLS if number >= 0 else CALLS // 3
            service_result = client.constant_rate(
                target,
                calls_per_s=CALLS_PER_S,
                calls=calls,
                max_in_flight=MAX_IN_FLIGHT,
                deadline_s=DEADLINE_S,
            )
            upstream_result = LoadResult(
                **http_worker.run(
                    "constant_rate", calls_per_s=CALLS_PER_S, calls=calls, max_in_flight=MAX_IN_FLIGHT
                )
            )
            if number >= 0:
                peaks.append(peak_mib(product.pid))
                service_results.append(service_result)
                upstream_results.append(upstream_result)
    failures_by_status: Counter[str] = Counter()
    for result in service_results:
        failures_by_status.update(result.failures)
    curves = {SERVICE: _distribution(service_results), UPSTREAM: _distribution(upstream_results)}
    rates = tuple(result.calls / result.wall_s for result in service_results)
    max_in_flight = tuple(float(result.max_in_flight) for result in service_results)
    failures = tuple(float(sum(result.failures.values())) for result in service_results)
    return {
        "concurrency": ratio(
            _p99(SERVICE, service_results),
            _p99(UPSTREAM, upstream_results),
            details=[
                Series(name="maximum in flight", unit="", values=max_in_flight),
                Series(name="successful calls", unit="/s", values=rates),
            ],
            curves=curves,
        ),
        "concurrency-failures": absolute(
            Series(name="failed calls", unit="", values=failures),
            details=[
                Series(name=status, unit="", values=(count,)) for status, count in failures_by_status.items()
            ],
        ),
        "memory-loaded": absolute(
            Series(name="peak", unit="MiB", values=tuple(peaks)),
            details=[Series(name="before", unit="MiB", values=(idle_mib,))],
        ),
    }


def _p99(name: str, results: list[LoadResult]) -> Series:
    values = tuple(percentile(result.latencies_ms, 99) for result in results)
    return Series(name=f"p99 of {name}", unit="ms", values=values)


def _distribution(results: list[LoadResult]) -> Curve:
    """Return the cumulative distribution of the latencies of all calls."""
    latencies = sorted(latency for result in results for latency in result.latencies_ms)
    points = tuple((latencies[round((len(latencies) - 1) * part / 200)], part / 2) for part in range(201))
    return Curve(x_label="ms", y_label="% of calls", points=points)
