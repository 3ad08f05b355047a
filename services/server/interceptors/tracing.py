"""A server span for each call, in the caller's trace."""

from collections.abc import Mapping

import grpc
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.server.call import CallContext, CallNext, Interceptor, MethodInfo, ServicerContext

# As OpenTelemetry's conventions have it: the other statuses are the caller's errors, not the server's.
_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_W3C = TraceContextTextMapPropagator()


def tracing_interceptor(tracer: Tracer | None) -> Interceptor:
    """Spans around calls, with nothing of request, response or exception in them; none without a tracer."""

    def layer(rpc: MethodInfo, step: CallNext) -> CallNext:
        if tracer is None:
            return step
        service, _, method = rpc.name.partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}

        async def traced(call: CallContext) -> bytes:
            parent = _W3C.extract(_carrier(call.context))
            with tracer.start_as_current_span(
                rpc.name,
                context=parent,
                kind=SpanKind.SERVER,
                attributes=attributes,
                record_exception=False,  # its words can hold a buyer's data
                set_status_on_exception=False,
            ) as span:
                try:
                    return await step(call)
                finally:
                    span.set_attribute("rpc.grpc.status_code", call.status.value[0])
                    if call.reason:
                        span.set_attribute("error.type", call.reason)
                    if call.status in _FAULTS:
                        span.set_status(StatusCode.ERROR)

        return traced

    return layer


def trace_ids(context: ServicerContext) -> dict[str, str]:
    """The ids for log lines: of the current span, or of the caller's trace where there is no span of ours."""
    current = trace.get_current_span().get_span_context()
    if current.is_valid:
        return {
            "trace_id": trace.format_trace_id(current.trace_id),
            "span_id": trace.format_span_id(current.span_id),
        }
    told = trace.get_current_span(_W3C.extract(_carrier(context))).get_span_context()
    return {"trace_id": trace.format_trace_id(told.trace_id)} if told.is_valid else {}


def _carrier(context: ServicerContext) -> Mapping[str, str]:
    return {
        key: value
        for key, value in context.invocation_metadata() or ()
        if key in _W3C.fields and isinstance(value, str)
    }
