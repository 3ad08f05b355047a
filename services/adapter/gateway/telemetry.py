"""What the gateway client tells: one metric, and facts for the call's log line."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import Counter, Histogram

from services.errors import InternalFault, NationalsiteError, UpstreamError

_calls = Counter(
    "nationalsite_upstream_calls",
    "Calls of 1688's operations by outcome: OK, CANCELLED or the ErrorReason, before refusal rows.",
    ("operation", "outcome"),
)
_duration = Histogram(
    "nationalsite_upstream_call_duration_seconds",
    "Time from the first byte prepared to the last byte read, repeats included.",
    ("operation",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


@contextmanager
def observed(operation: str) -> Iterator[None]:
    """Count and time a call, and bind `upstream_ms` and `upstream_code` to its log line."""
    started, outcome, code = time.perf_counter(), InternalFault.reason, ""
    try:
        yield
        outcome = "OK"
    except asyncio.CancelledError:
        outcome = "CANCELLED"
        raise
    except NationalsiteError as error:
        outcome = error.reason
        code = error.code if isinstance(error, UpstreamError) else ""
        raise
    finally:
        seconds = time.perf_counter() - started
        _calls.labels(operation, outcome).inc()
        _duration.labels(operation).observe(seconds)
        facts: dict[str, object] = {"upstream_ms": round(seconds * 1000, 1)}
        if code:
            facts["upstream_code"] = code
        structlog.contextvars.bind_contextvars(**facts)


def note_ids(request_id: str, trace_id: str) -> None:
    """Bind 1688's own ids of an exchange to the call's log line: what its support asks for."""
    ids = {"upstream_request_id": request_id, "upstream_trace_id": trace_id}
    structlog.contextvars.bind_contextvars(**{name: value for name, value in ids.items() if value})
