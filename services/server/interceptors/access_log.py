"""One log line for each call, with nothing of the request's content in it."""

from time import perf_counter

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from services.server.call import CallContext, CallNext, MethodInfo
from services.server.interceptors.tracing import trace_ids


def access_log_interceptor(rpc: MethodInfo, step: CallNext) -> CallNext:
    """Logs the event `call` when a call ends, however it ends.

    What is bound to structlog's context variables during the call is in the line: here the RPC and the
    caller's trace, further in `upstream_code`, `upstream_ms` and `upstream_request_id`.
    """
    log = structlog.get_logger().bind()
    method = f"/{rpc.name}"

    async def logged(call: CallContext) -> bytes:
        started = perf_counter()
        clear_contextvars()
        bind_contextvars(rpc=method, **trace_ids(call.context))
        try:
            return await step(call)
        finally:
            failure = {"reason": call.reason} if call.reason else {}
            duration_ms = round((perf_counter() - started) * 1000, 2)
            log.info("call", status=call.status.name, duration_ms=duration_ms, **failure)

    return logged
