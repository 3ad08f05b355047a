"""Sends spans to a collector, as OpenTelemetry's own variables say. Without an endpoint nothing is loaded."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Tracer

from services.errors import StartupError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

# How long the last spans may take to leave; a collector that is away keeps no process from ending.
_FLUSH_S = 5.0

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@asynccontextmanager
async def configure_tracing(service: str) -> AsyncIterator[Tracer | None]:
    """Yields the tracer of the process, None where no endpoint is given; sends what is left at the end.

    Raises StartupError for a protocol that there is not.
    """
    if not _is_on():
        yield None
        return
    provider = _provider(service)
    trace.set_tracer_provider(provider)
    try:
        yield provider.get_tracer("nationalsite")
    finally:
        await _flush(provider)


def _is_on() -> bool:
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    elsewhere = os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    return not off and not elsewhere and any(os.environ.get(name) for name in _ENDPOINTS)


def _provider(service: str) -> "TracerProvider":
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415  # loaded only where it is on
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = os.environ.get("OTEL_SERVICE_NAME") or SERVICE_NAME in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    resource = Resource.create({} if named else {SERVICE_NAME: service})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter()))
    return provider


def _exporter() -> "SpanExporter":
    variable = next((name for name in _PROTOCOLS if os.environ.get(name)), _PROTOCOLS[-1])
    match os.environ.get(variable) or "http/protobuf":
        case "http/protobuf":
            from opentelemetry.exporter.otlp.proto.http import trace_exporter as over_http  # noqa: PLC0415

            return over_http.OTLPSpanExporter()
        case "grpc":
            from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as over_grpc  # noqa: PLC0415

            return over_grpc.OTLPSpanExporter()
    raise StartupError([f"{variable}: must be http/protobuf or grpc"])


async def _flush(provider: "TracerProvider") -> None:
    """In a thread that the process does not wait for: the exporter's own patience is longer than ours."""
    loop, flushed = asyncio.get_running_loop(), asyncio.Event()

    def shutdown() -> None:
        provider.shutdown()
        try:
            loop.call_soon_threadsafe(flushed.set)
        except RuntimeError:  # the loop has gone on without us
            return

    threading.Thread(target=shutdown, name="otlp-flush", daemon=True).start()
    try:
        await asyncio.wait_for(flushed.wait(), _FLUSH_S)
    except TimeoutError:
        return
