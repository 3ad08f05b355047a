"""Counts and times calls, and counts the requests that they send."""

import asyncio
import time
from types import TracebackType

import structlog
from prometheus_client import Counter

from services.adapter.gateway.call import CallNext, UpstreamCall, UpstreamReply
from services.adapter.gateway.metrics import attempts, call_duration, calls, labelled
from services.errors import InternalFault, NationalsiteError, UpstreamError


class CallMetricsMiddleware:
    """Counts and times each call, and binds `upstream_ms` and `upstream_code` to its log line."""

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamReply:
        """Return the reply."""
        started_at = time.perf_counter()
        code = ""
        try:
            with _count_outcome(calls, call.api):
                return await call_next(call)
        except UpstreamError as error:
            code = error.code
            raise
        finally:
            duration_s = time.perf_counter() - started_at
            labelled(call_duration, call.api).observe(duration_s)
            fields: dict[str, object] = {"upstream_ms": round(duration_s * 1000, 1)}
            if code:
                fields["upstream_code"] = code
            structlog.contextvars.bind_contextvars(**fields)


class AttemptMetricsMiddleware:
    """Counts each request that is sent."""

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamReply:
        """Return the reply."""
        with _count_outcome(attempts, call.api):
            return await call_next(call)


class _count_outcome:  # noqa: N801 # a context manager, used like a function
    """Counts how a block ends. A class, since a generator costs three times as much."""

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
        labelled(self._counter, self._api, outcome).inc()
