"""The server's metrics, with the names, labels and buckets of gRFC A66 in Prometheus's spelling."""

from functools import cache
from time import perf_counter

import grpc
from prometheus_client import Counter, Gauge, Histogram

from services.server.call import CallContext, CallNext, MethodInfo

# fmt: off
_LATENCY_S = (
    0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008,
    0.01, 0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4,
    0.5, 0.65, 0.8, 1, 2, 5, 10, 20, 50, 100,
)
# fmt: on

_STARTED = Counter(
    "grpc_server_call_started", "Calls that arrived (grpc.server.call.started).", ["grpc_method"]
)
_DURATION = Histogram(
    "grpc_server_call_duration_seconds",
    "Time from a call's arrival to its end (grpc.server.call.duration).",
    ["grpc_method", "grpc_status"],
    buckets=_LATENCY_S,
)

TASKS = Gauge(
    "nationalsite_tasks", "Tasks of the process's loop, the scrape's own included: as many idle as at first."
)


def metrics_interceptor(rpc: MethodInfo, step: CallNext) -> CallNext:
    """Counts each call when it arrives, and its duration by status when it ends."""
    started = _STARTED.labels(rpc.name)

    @cache
    def duration(status: grpc.StatusCode) -> Histogram:
        return _DURATION.labels(rpc.name, status.name)

    async def measured(call: CallContext) -> bytes:
        start = perf_counter()
        started.inc()
        try:
            return await step(call)
        finally:
            duration(call.status).observe(perf_counter() - start)

    return measured
