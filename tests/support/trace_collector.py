"""A minimal trace collector: receives spans by OTLP over HTTP or gRPC, on loopback."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)


class TraceCollector:
    """Collects export requests; any thread may add one."""

    def __init__(self) -> None:
        self.raw_requests: list[bytes] = []
        self._requests: list[ExportTraceServiceRequest] = []
        self._changed = threading.Condition()

    def add(self, request: ExportTraceServiceRequest) -> None:
        """Add a request, and wake up those who wait for spans."""
        with self._changed:
            self.raw_requests.append(request.SerializeToString())
            self._requests.append(request)
            self._changed.notify_all()

    def spans(self, at_least: int = 0, timeout_s: float = 10) -> list[dict[str, Any]]:
        """Wait for at least so many spans; return all, each with its attributes and its service's name."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._spans()) >= at_least, timeout_s), self._spans()
            return self._spans()

    def _spans(self) -> list[dict[str, Any]]:
        return [
            {
                "service": _attributes(resource.resource.attributes).get("service.name"),
                "name": span.name,
                "kind": span.kind,
                "trace": span.trace_id.hex(),
                "id": span.span_id.hex(),
                "parent": span.parent_span_id.hex(),
                "failed": span.status.code == span.status.STATUS_CODE_ERROR,
                "attributes": _attributes(span.attributes),
                "events": len(span.events),
            }
            for request in self._requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@contextmanager
def trace_collector(protocol: str) -> Iterator[tuple[TraceCollector, dict[str, str]]]:
    """Yield a running collector, and the environment variables that make a process send spans to it."""
    collector = TraceCollector()
    with {"grpc": _over_grpc, "http/protobuf": _over_http}[protocol](collector) as port:
        yield (
            collector,
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            },
        )


@contextmanager
def _over_http(collector: TraceCollector) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.add(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def _over_grpc(collector: TraceCollector) -> Iterator[int]:
    class Servicer(TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 # the RPC's name
            collector.add(request)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()
