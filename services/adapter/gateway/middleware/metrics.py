"""What the gateway client tells: metrics, and facts for the call's log line."""

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.adapter.gateway.call import CallNext, Reply, UpstreamCall
from services.errors import InternalFault, NationalsiteError, UpstreamError

M = TypeVar("M", Counter, Gauge)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_calls = Counter(
    "nationalsite_upstream_calls",
    "Calls of 1688's operations by outcome: OK, CANCELLED or the ErrorReason, before refusal rows.",
    ("operation", "outcome"),
)
_duration = Histogram(
    "nationalsite_upstream_call_duration_seconds",
    "Time from the first byte prepared to the last byte read, waits and repeats included.",
    ("operation",),
    buckets=_SECONDS,
)
_attempts = Counter(
    "nationalsite_upstream_attempts",
    "Requests sent for 1688's operations, by outcome as above; more than calls where some were repeated.",
    ("operation", "outcome"),
)
_denied = Counter(
    "nationalsite_upstream_retries_denied", "Repeats that the retry budget did not allow.", ("operation",)
)
_breaker = Gauge(
    "nationalsite_upstream_breaker_state", "0 closed, 1 half-open, 2 open: not called.", ("operation",)
)
_waits = Histogram(
    "nationalsite_upstream_limiter_wait_seconds",
    "Waits for a turn below 1688's frequency limits; calls that did not wait are not counted.",
    ("operation",),
    buckets=_SECONDS,
)
_rate = Gauge(
    "nationalsite_upstream_rate_limit",
    "Calls per second that are let through at most, of the app or of an operation; +Inf without a limit.",
    ("scope",),
)
_shed = Counter(
    "nationalsite_upstream_shed",
    "Calls told OVERLOADED: rate, queue_full, queue_delay, or deadline (no place in time).",
    ("cause",),
)
_redis_failures = Counter(
    "nationalsite_redis_failures", "Times that Redis failed and this process went on alone for a while."
)
_token_age = Gauge("nationalsite_token_age_seconds", "Age of the access token in use; 0: none yet, or fixed.")
_refresh_days = Gauge(
    "nationalsite_refresh_token_days_left", "Days until the refresh token ends; NaN where 1688 did not say."
)
_refresh_days.set(float("nan"))
places_in_use = Gauge("nationalsite_upstream_places_in_use", "Calls at 1688 now.")
places_queued = Gauge("nationalsite_upstream_places_queued", "Calls that wait for a place at 1688 now.")


def call_metrics(api: str, step: CallNext) -> CallNext:
    """Count and time each call, and bind `upstream_ms` and `upstream_code` to its log line."""
    duration = _duration.labels(api)
    outcomes = _Outcomes(_calls, api)

    async def counted(call: UpstreamCall) -> Reply:
        started = time.perf_counter()
        code = ""
        try:
            with outcomes:
                return await step(call)
        except UpstreamError as error:
            code = error.code
            raise
        finally:
            seconds = time.perf_counter() - started
            duration.observe(seconds)
            facts: dict[str, object] = {"upstream_ms": round(seconds * 1000, 1)}
            if code:
                facts["upstream_code"] = code
            structlog.contextvars.bind_contextvars(**facts)

    return counted


def attempt_metrics(api: str, step: CallNext) -> CallNext:
    """Count each request that is sent."""
    outcomes = _Outcomes(_attempts, api)

    async def counted(call: UpstreamCall) -> Reply:
        with outcomes:
            return await step(call)

    return counted


class _Outcomes:
    """Counts what became of what it is put around. A class, since a generator costs three times as much."""

    __slots__ = ("_api", "_counter")

    def __init__(self, counter: Counter, api: str) -> None:
        self._counter = counter
        self._api = api

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            outcome = "OK"
        elif isinstance(error, NationalsiteError):
            outcome = error.reason
        else:
            outcome = "CANCELLED" if isinstance(error, asyncio.CancelledError) else InternalFault.reason
        _labelled(self._counter, self._api, outcome).inc()


@lru_cache(maxsize=4096)
def _labelled(metric: M, *labels: str) -> M:
    """Return a metric for its labels, found without prometheus_client's own checks of them."""
    return metric.labels(*labels)


def note_ids(request_id: str, trace_id: str) -> None:
    """Bind 1688's own ids of an exchange to the call's log line: what its support asks for."""
    ids = {"upstream_request_id": request_id, "upstream_trace_id": trace_id}
    structlog.contextvars.bind_contextvars(**{name: value for name, value in ids.items() if value})


def note_denied_retry(api: str) -> None:
    """Count a repeat that could not be paid."""
    _denied.labels(api).inc()


def show_breaker(api: str, state: int) -> None:
    """Show the state of an operation's breaker."""
    _labelled(_breaker, api).set(state)


def note_wait(api: str, seconds: float) -> None:
    """Count a wait for a turn."""
    _waits.labels(api).observe(seconds)


def show_rate(scope: str, calls_per_s: Callable[[], float]) -> None:
    """Show the rate of a scope."""
    _rate.labels(scope).set_function(calls_per_s)


def note_shed(cause: str) -> None:
    """Count a call for which there is no room."""
    _shed.labels(cause).inc()


def note_redis_failure() -> None:
    """Count a failure of Redis."""
    _redis_failures.inc()


def show_token(age_s: float, refresh_until: float | None) -> None:
    """Show how old the access token is that has just come, and when (epoch) the refresh token ends."""
    issued_at = time.time() - age_s
    _token_age.set_function(lambda: time.time() - issued_at)
    if refresh_until is not None:
        _refresh_days.set_function(lambda: (refresh_until - time.time()) / 86_400)
