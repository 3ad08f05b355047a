"""The metrics of the gateway client, and the ids of 1688 that it adds to a call's log line."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram

from services.fair_queue import FairQueue, Waiter
from services.log_fields import bind_log_fields

M = TypeVar("M", Counter, Gauge, Histogram)

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

calls = Counter(
    "nationalsite_upstream_calls",
    "Calls of 1688's operations by outcome: OK, CANCELLED or the ErrorReason before error mappings.",
    ("operation", "outcome"),
)
call_duration = Histogram(
    "nationalsite_upstream_call_duration_seconds",
    "Duration of calls of 1688's operations, including waits and retries.",
    ("operation",),
    buckets=_BUCKETS_S,
)
attempts = Counter(
    "nationalsite_upstream_attempts",
    "Requests sent for calls of 1688's operations, retries included, by outcome like the calls.",
    ("operation", "outcome"),
)
in_flight = Gauge("nationalsite_upstream_in_flight", "Calls in flight at 1688.")
queued = Gauge("nationalsite_upstream_queued", "Calls that wait for a free slot of the bulkhead.")
_queued_callers = Gauge(
    "nationalsite_upstream_queued_callers", "Callers with calls that wait for a free slot of the bulkhead."
)
_queued_of_one_caller = Gauge(
    "nationalsite_upstream_queued_of_one_caller",
    "Calls that wait for a free slot of the bulkhead, of the caller that has the most of them.",
)
_denied_retries = Counter(
    "nationalsite_upstream_retries_denied", "Retries that the retry budget did not allow.", ("operation",)
)
_breaker_state = Gauge(
    "nationalsite_upstream_circuit_breaker_state",
    "State of an operation's circuit breaker: 0 closed, 1 half-open, 2 open.",
    ("operation",),
)
_rate_limit_wait = Histogram(
    "nationalsite_upstream_rate_limit_wait_seconds",
    "How long calls waited because of 1688's rate limits; calls that did not wait are not counted.",
    ("operation",),
    buckets=_BUCKETS_S,
)
_rate_limit = Gauge(
    "nationalsite_upstream_rate_limit",
    "Calls per second that the client allows for the app or for an operation; +Inf without a limit.",
    ("scope",),
)
_shed = Counter(
    "nationalsite_upstream_shed",
    "Calls rejected as OVERLOADED by cause: rate, queue_full, queue_delay, batch_full, or deadline.",
    ("cause",),
)
_redis_failures = Counter(
    "nationalsite_redis_failures",
    "Failures of Redis. After each, the process works without Redis for some seconds.",
)
_token_age = Gauge(
    "nationalsite_token_age_seconds",
    "Age of the access token in use; 0 for a static token, and before one is fetched.",
)
_refresh_token_days_left = Gauge(
    "nationalsite_refresh_token_days_left",
    "Days until the refresh token expires; NaN if 1688 did not say.",
)
_refresh_token_days_left.set(float("nan"))


@lru_cache(maxsize=4096)
def labelled(metric: M, *labels: str) -> M:
    """Return `metric.labels(*labels)`, cached: prometheus_client checks the labels at each call."""
    return metric.labels(*labels)


def bind_upstream_ids(request_id: str, trace_id: str) -> None:
    """Add 1688's own ids of a request to the call's log line: 1688's support asks for them."""
    ids = {"upstream_request_id": request_id, "upstream_trace_id": trace_id}
    if present := {name: value for name, value in ids.items() if value}:
        bind_log_fields(**present)


def record_denied_retry(api_id: str) -> None:
    """Count a retry that the budget did not allow."""
    _denied_retries.labels(api_id).inc()


def set_breaker_state(api_id: str, state: Callable[[], int]) -> None:
    """Have the metric read the state of an operation's circuit breaker from a function."""
    _breaker_state.labels(api_id).set_function(state)


def record_rate_limit_wait(api_id: str, wait_s: float) -> None:
    """Record a wait for a permit."""
    _rate_limit_wait.labels(api_id).observe(wait_s)


def set_rate_limit(scope: str, calls_per_s: Callable[[], float]) -> None:
    """Have the metric read the rate of a scope from a function."""
    _rate_limit.labels(scope).set_function(calls_per_s)


def watch_queue(queue: FairQueue[Waiter]) -> None:
    """Have the metrics of the bulkhead's queue read it."""
    queued.set_function(lambda: len(queue))
    _queued_callers.set_function(lambda: queue.owner_count)
    _queued_of_one_caller.set_function(lambda: queue.max_per_owner)


def record_shed(cause: str) -> None:
    """Count a call that was rejected as OVERLOADED, and add the cause to its log line."""
    _shed.labels(cause).inc()
    bind_log_fields(shed_cause=cause)


def record_redis_failure() -> None:
    """Count a failure of Redis."""
    _redis_failures.inc()


def set_token_age(age_s: float) -> None:
    """Set the age that a new access token has now. The metric rises from there."""
    issued_at = time.time() - age_s
    _token_age.set_function(lambda: time.time() - issued_at)


def set_refresh_token_expiry(expires_at: float) -> None:
    """Set when the refresh token expires, in seconds since the epoch."""
    _refresh_token_days_left.set_function(lambda: (expires_at - time.time()) / 86_400)
