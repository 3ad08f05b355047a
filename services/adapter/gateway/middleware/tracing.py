"""A client span for each HTTP exchange with 1688, in the trace of the call that needs it.

1688 is told nothing of our traces: it is a third party that does not join them. Its own (EagleEye) ids come
back with each answer, and stand in the span instead.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from services.errors import NationalsiteError

_tracer = trace.get_tracer("nationalsite")

_IDS = {"RequestId": "nationalsite.upstream.request_id", "EagleEye-TraceId": "nationalsite.upstream.trace_id"}
"""1688's header -> attribute."""
_MOST_CHARACTERS = 128


def is_tracing_enabled() -> bool:
    """Whether spans go anywhere: without a provider, making one is work for nothing."""
    stands_in = isinstance(_tracer, trace.ProxyTracer)  # for the provider's own, once there is one
    return not (stands_in and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider))


@contextmanager
def exchange_span(request: httpx.Request) -> Iterator[Span]:
    """Yield the span of an exchange. Nothing of the request but its operation is in it."""
    operation = _operation(request.url.path)
    with _tracer.start_as_current_span(
        f"1688 {operation}",
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": request.method,
            "server.address": request.url.host,
            "nationalsite.upstream.operation": operation,
        },
        record_exception=False,  # its words can hold a buyer's data
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            cause = error.reason if isinstance(error, NationalsiteError) else type(error).__name__
            span.set_attribute("error.type", cause)
            span.set_status(StatusCode.ERROR)
            raise


def note_answer(span: Span, status: int, headers: Mapping[str, str]) -> None:
    """Write down what came back: the status, and 1688's own ids, which its support asks for."""
    span.set_attribute("http.response.status_code", status)
    for header, attribute in _IDS.items():
        if found := headers.get(header):
            span.set_attribute(attribute, found[:_MOST_CHARACTERS])
    if status >= 400:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _operation(path: str) -> str:
    """The api id in a path `.../<version>/<namespace>/<name>/<app key>`."""
    *_, version, namespace, name, _key = ("", "", "", *path.split("/"))
    return f"{namespace}:{name}-{version}"
