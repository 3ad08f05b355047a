"""Metrics of calls, with the names, labels and buckets of gRFC A66 in Prometheus's spelling."""

from time import perf_counter

import grpc
from prometheus_client import Counter, Histogram

from services.server.call import CallContext, CallNext, MethodInfo

# fmt: off
_LATENCY_BUCKETS_S = (
    0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008,
    0.01, 0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4,
    0.5, 0.65, 0.8, 1, 2, 5, 10, 20, 50, 100,
)
# fmt: on

_started = Counter(
    "grpc_server_call_started", "Calls that arrived (grpc.server.call.started).", ["grpc_method"]
)
_duration = Histogram(
    "grpc_server_call_duration_seconds",
    "Time from a call's arrival to its end (grpc.server.call.duration).",
    ["grpc_method", "grpc_status"],
    buckets=_LATENCY_BUCKETS_S,
)


class MetricsInterceptor:
    """Counts each call at its start, and records its duration by status at its end."""

    def __init__(self, method: MethodInfo) -> None:
        self._method = method.name
        self._started = _started.labels(method.name)
        self._durations: dict[grpc.StatusCode, Histogram] = {}

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Record the call, whether it succeeds, fails or is cancelled."""
        started_at = perf_counter()
        self._started.inc()
        try:
            return await call_next(call)
        finally:
            self._duration(call.status).observe(perf_counter() - started_at)

    def _duration(self, status: grpc.StatusCode) -> Histogram:
        """Return the histogram of a status. It is created when it is first used."""
        duration = self._durations.get(status)
        if duration is None:
            duration = self._durations[status] = _duration.labels(self._method, status.name)
        return duration
