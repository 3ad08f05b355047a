"""Exports spans as the variables OTEL_... say. If they name no collector, the SDK is not imported."""

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

# How long to wait for the last spans. Then the process ends, even if the collector is unavailable.
_FLUSH_TIMEOUT_S = 5.0

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@asynccontextmanager
async def tracer_lifespan(service: str) -> AsyncIterator[Tracer | None]:
    """Yield the tracer of the process, or None if tracing is off. Flush the spans at the end.

    Raises StartupError for an unknown protocol.
    """
    if not _is_enabled():
        yield None
        return
    provider = _build_provider(service)
    trace.set_tracer_provider(provider)
    try:
        yield provider.get_tracer("nationalsite")
    finally:
        await _flush(provider)


def _is_enabled() -> bool:
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    is_otlp = os.environ.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
    return not is_disabled and is_otlp and any(os.environ.get(name) for name in _ENDPOINTS)


def _build_provider(service: str) -> "TracerProvider":
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415  # imported only if tracing is enabled
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    has_name = os.environ.get("OTEL_SERVICE_NAME") or SERVICE_NAME in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    resource = Resource.create({} if has_name else {SERVICE_NAME: service})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_build_exporter()))
    return provider


def _build_exporter() -> "SpanExporter":
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
    """Flush in a daemon thread, so that the process can end before the exporter's own, longer timeout."""
    loop, flushed = asyncio.get_running_loop(), asyncio.Event()

    def shutdown() -> None:
        provider.shutdown()
        try:
            loop.call_soon_threadsafe(flushed.set)
        except RuntimeError:  # the loop is closed
            return

    threading.Thread(target=shutdown, name="otlp-flush", daemon=True).start()
    try:
        await asyncio.wait_for(flushed.wait(), _FLUSH_TIMEOUT_S)
    except TimeoutError:
        return
