"""A client span for each HTTP exchange (request and response) with 1688, in the current trace.

Requests carry no trace context: 1688 is a third party and does not join our traces. 1688's own ids
(RequestId, EagleEye) are in each response, and become attributes of the span.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from services.adapter.gateway.http_client.request import HttpRequest
from services.errors import NationalsiteError

_tracer = trace.get_tracer("nationalsite")

_ID_ATTRIBUTES = {
    "requestid": "nationalsite.upstream.request_id",
    "eagleeye-traceid": "nationalsite.upstream.trace_id",
}
"""Maps headers, in lower case, of 1688's response to attributes of the span."""
_MAX_ID_CHARACTERS = 128


def is_tracing_enabled() -> bool:
    """Whether there is a tracer provider. Without one, spans would be made for nothing."""
    # A proxy if there was no provider when this module was imported. There may be one now.
    is_proxy = isinstance(_tracer, trace.ProxyTracer)
    return not (is_proxy and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider))


@contextmanager
def exchange_span(request: HttpRequest) -> Iterator[Span]:
    """Yield the span of an exchange. It has the method, operation and host of the request, no parameters."""
    operation = _to_operation(request.target.partition("?")[0])
    with _tracer.start_as_current_span(
        f"1688 {operation}",
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": "POST",
            "server.address": request.origin.host,
            "nationalsite.upstream.operation": operation,
        },
        record_exception=False,  # an exception's text can hold a buyer's data
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            error_type = error.reason if isinstance(error, NationalsiteError) else type(error).__name__
            span.set_attribute("error.type", error_type)
            span.set_status(StatusCode.ERROR)
            raise


def record_response(span: Span, status: int, headers: Mapping[str, str]) -> None:
    """Add the status of the response and 1688's own ids to the span."""
    span.set_attribute("http.response.status_code", status)
    for header, attribute in _ID_ATTRIBUTES.items():
        if value := headers.get(header):
            span.set_attribute(attribute, value[:_MAX_ID_CHARACTERS])
    if status >= 400:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _to_operation(path: str) -> str:
    """Return the API id in a path `.../<version>/<namespace>/<name>/<app key>`."""
    *_, version, namespace, name, _app_key = ("", "", "", *path.split("/"))
    return f"{namespace}:{name}-{version}"
