"""The span of an HTTP exchange with 1688; requests carry no trace context."""

import asyncio

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.adapter.gateway import tracing
from services.adapter.gateway.http_client.request import HttpRequest, Origin
from services.errors import ConnectionLost

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def ended(monkeypatch):
    """ended() are the spans that have ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    yield exporter.get_finished_spans
    provider.shutdown()


@pytest.fixture
def send(peer, transport):
    """await send() exchanges a request that holds a secret in path, query and body."""

    async def make():
        request = HttpRequest(
            origin=Origin(is_tls=False, host="127.0.0.1", port=peer.port),
            target="/openapi/param2/1/com.example/name/app-key?secret=x",
            headers={"Host": "gateway.test", "Content-Length": "6"},
            body=(b"secret",),
        )
        return await transport.send(request, asyncio.get_running_loop().time() + 5)

    return make


async def test_a_span_has_the_status_and_1688s_ids(peer, response, send, ended):
    peer.on("name", response(status=403, headers={"RequestId": "r" * 500, "EagleEye-TraceId": "e-1"}))
    await send()
    (span,) = ended()
    assert span.name == "1688 com.example:name-1"
    assert span.kind is trace.SpanKind.CLIENT
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "nationalsite.upstream.operation": "com.example:name-1",
        "http.response.status_code": 403,
        "error.type": "403",
        "nationalsite.upstream.request_id": "r" * 128,
        "nationalsite.upstream.trace_id": "e-1",
    }
    assert span.status.status_code is trace.StatusCode.ERROR


async def test_a_span_has_the_reason_of_a_failure_and_no_text(peer, send, ended):
    async def hang_up(_received, connection):
        connection.hang_up()

    peer.on("name", hang_up)
    with pytest.raises(ConnectionLost):
        await send()
    (span,) = ended()
    assert span.attributes["error.type"] == "UPSTREAM_UNAVAILABLE"
    assert not span.events
    assert span.status.description is None


async def test_requests_carry_no_trace_context(peer, send, ended):
    await send()
    (received,) = peer.received
    assert not {"traceparent", "tracestate", "baggage", "b3"} & received.headers.keys()
