"""Tracing: a server span for each call, in the caller's trace."""

from collections.abc import Mapping

import grpc
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.server.call import CallContext, CallNext, MethodInfo

# The statuses that OpenTelemetry's conventions regard as errors of the server, not of the caller.
_SERVER_ERRORS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACE_KEYS = frozenset(_PROPAGATOR.fields)


class TracingInterceptor:
    """Records a span around each call. The span contains nothing of request, response or exception."""

    def __init__(self, method: MethodInfo, tracer: Tracer) -> None:
        self._tracer = tracer
        self._name = method.name
        service, _, rpc = method.name.partition("/")
        self._attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": rpc}

    @classmethod
    def for_method(cls, method: MethodInfo, *, tracer: Tracer | None) -> "TracingInterceptor | None":
        """Return None without a tracer."""
        return cls(method, tracer) if tracer else None

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Record the span, with the status of the call."""
        with self._tracer.start_as_current_span(
            self._name,
            context=_PROPAGATOR.extract(_trace_headers(call)),
            kind=SpanKind.SERVER,
            attributes=self._attributes,
            record_exception=False,  # its message can contain a buyer's data
            set_status_on_exception=False,
        ) as span:
            ids = span.get_span_context()
            call.trace_ids = {
                "trace_id": trace.format_trace_id(ids.trace_id),
                "span_id": trace.format_span_id(ids.span_id),
            }
            try:
                return await call_next(call)
            finally:
                span.set_attribute("rpc.grpc.status_code", call.status.value[0])
                if call.reason:
                    span.set_attribute("error.type", call.reason)
                if call.status in _SERVER_ERRORS:
                    span.set_status(StatusCode.ERROR)


def get_trace_ids(call: CallContext) -> Mapping[str, str]:
    """Return the ids for log lines: of the call's span, else of the caller's trace, else none."""
    if call.trace_ids:
        return call.trace_ids
    if not (headers := _trace_headers(call)):
        return {}
    callers = trace.get_current_span(_PROPAGATOR.extract(headers)).get_span_context()
    return {"trace_id": trace.format_trace_id(callers.trace_id)} if callers.is_valid else {}


def _trace_headers(call: CallContext) -> Mapping[str, str]:
    return {
        key: value for key, value in call.request_metadata if key in _TRACE_KEYS and isinstance(value, str)
    }
