"""The settings of tracing."""

import subprocess
import sys

import pytest

from services.server import StartupError
from services.server.telemetry.tracing import tracer_lifespan


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
    ],
)
async def test_an_unknown_protocol_stops_the_start(monkeypatch, variables, line):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as caught:
        async with tracer_lifespan("test"):
            raise AssertionError
    assert caught.value.lines == (f"{line}: must be http/protobuf or grpc",)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=["no endpoint", "disabled", "none"],
)
async def test_without_an_endpoint_nothing_is_traced(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with tracer_lifespan("test") as tracer:
        assert tracer is None


@pytest.mark.slow
def test_a_process_without_tracing_does_not_import_the_sdk():
    program = "import sys, services.server; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603 # our own
