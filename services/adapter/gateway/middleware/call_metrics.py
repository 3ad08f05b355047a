"""Counts calls, measures their duration, and counts the requests that they send."""

import asyncio
import time

from services.adapter.gateway.call import CallNext, UpstreamCall, UpstreamResponse
from services.adapter.gateway.metrics import attempts, call_duration, calls, labelled
from services.errors import InternalFault, NationalsiteError, UpstreamError
from services.log_fields import bind_log_fields


class CallMetricsMiddleware:
    """Counts each call, measures its duration, and adds `upstream_ms` and `upstream_code` to its log line."""

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Return the response."""
        started_at = time.perf_counter()
        outcome, code = "OK", ""
        try:
            return await call_next(call)
        except BaseException as error:
            outcome = _to_outcome(error)
            code = error.code if isinstance(error, UpstreamError) else ""
            raise
        finally:
            duration_s = time.perf_counter() - started_at
            labelled(calls, call.api_id, outcome).inc()
            labelled(call_duration, call.api_id).observe(duration_s)
            fields: dict[str, object] = {"upstream_ms": round(duration_s * 1000, 1)}
            if code:
                fields["upstream_code"] = code
            bind_log_fields(**fields)


class AttemptMetricsMiddleware:
    """Counts each request that is sent."""

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Return the response."""
        outcome = "OK"
        try:
            return await call_next(call)
        except BaseException as error:
            outcome = _to_outcome(error)
            raise
        finally:
            labelled(attempts, call.api_id, outcome).inc()


def _to_outcome(error: BaseException) -> str:
    if isinstance(error, NationalsiteError):
        return error.reason
    return "CANCELLED" if isinstance(error, asyncio.CancelledError) else InternalFault.reason
