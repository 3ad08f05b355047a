"""The access log: one line for each call, without the content of its requests."""

from time import perf_counter

import structlog

from services.log_fields import set_log_fields
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.interceptors.tracing import get_trace_ids


class AccessLogInterceptor:
    """Logs the event `call` at the end of each call.

    The line contains everything that is bound as a log field (services/log_fields.py) during the call. This
    interceptor binds the RPC and the trace ids; code that runs later binds `caller`, `upstream_code`,
    `upstream_ms` and `upstream_request_id`.
    """

    def __init__(self, method: MethodInfo) -> None:
        self._log = structlog.get_logger().bind()
        self._rpc = f"/{method.name}"

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Log the call, whether it succeeds, fails or is cancelled."""
        started_at = perf_counter()
        set_log_fields(rpc=self._rpc, **get_trace_ids(call))
        try:
            return await call_next(call)
        finally:
            reason = {"reason": call.reason} if call.reason else {}
            duration_ms = round((perf_counter() - started_at) * 1000, 2)
            self._log.info("call", status=call.status.name, duration_ms=duration_ms, **reason)
