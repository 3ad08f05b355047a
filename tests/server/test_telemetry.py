"""The log line of a call, and the server's metrics."""

import asyncio
import copy
import logging
import subprocess
import sys
from datetime import datetime

import grpc
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from services.errors import UpstreamRate
from services.server import StartupError
from services.server.telemetry.logging_config import loop_exception_handler
from services.server.telemetry.tracing import tracer_lifespan

METHOD = "nationalsite.account.v1.AccountService/RegisterUser"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def traceparent(trace: str) -> tuple[tuple[str, str], ...]:
    return (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),)


async def test_a_call_is_one_line_without_the_request(start, buyer, logged):
    async def handle(_request, _deadline):
        structlog.contextvars.bind_contextvars(upstream_code="0", upstream_ms=1.5)
        return b""

    async with start(handle) as running:
        await running.stub.RegisterUser(buyer, metadata=traceparent(TRACE))

    (line,) = logged("call")
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset().total_seconds() == 0
    assert 0 < line.pop("duration_ms") < 5000
    assert line == {
        "event": "call",
        "level": "info",
        "service": "test",
        "rpc": f"/{METHOD}",
        "status": "OK",
        "trace_id": TRACE,
        "upstream_code": "0",
        "upstream_ms": 1.5,
    }


@pytest.mark.parametrize("trace", ["0" * 32, "xyz", TRACE.upper()])
async def test_a_trace_that_is_none_is_left_out(start, buyer, logged, trace):
    async with start() as running:
        await running.stub.RegisterUser(buyer, metadata=traceparent(trace))
    assert "trace_id" not in logged("call")[0]


async def test_a_failed_call_says_its_reason(start, buyer, logged):
    async def fail(_request, _deadline):
        structlog.contextvars.bind_contextvars(upstream_code="gw.QosAppFrequencyLimit")
        raise UpstreamRate("slow down", upstream_message="hanako@example.jp")

    async with start(fail) as running:
        with pytest.raises(grpc.aio.AioRpcError):
            await running.stub.RegisterUser(buyer)
        buyer.country_account.email = "hanako"
        with pytest.raises(grpc.aio.AioRpcError):
            await running.stub.RegisterUser(buyer)

    first, second = logged("call")
    assert (first["status"], first["reason"]) == ("RESOURCE_EXHAUSTED", "UPSTREAM_RATE")
    assert first["upstream_code"] == "gw.QosAppFrequencyLimit"
    assert (second["status"], second["reason"]) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert "upstream_code" not in second
    assert "hanako" not in str(logged())


async def test_concurrent_calls_do_not_mix(start, buyer, logged):
    together = asyncio.Barrier(20)

    async def handle(request, _deadline):
        await together.wait()
        structlog.contextvars.bind_contextvars(upstream_code=request.country_account.out_member_id)
        await together.wait()
        return b""

    async def register(running, number):
        request = copy.deepcopy(buyer)
        request.country_account.out_member_id = f"code-{number}"
        await running.stub.RegisterUser(request, metadata=traceparent(f"{number:032x}"))

    async with start(handle) as running:
        await asyncio.gather(*(register(running, number) for number in range(1, 21)))

    lines = logged("call")
    assert len(lines) == 20
    assert all(line["upstream_code"] == f"code-{int(line['trace_id'], 16)}" for line in lines)


def test_libraries_are_heard_from_warning_on(logged):
    logging.getLogger("aiohttp.client").info("chatter")
    logging.getLogger("aiohttp.client").warning("unclosed %s", "session")
    (line,) = logged()
    assert (line["event"], line["logger"], line["level"]) == ("library", "aiohttp.client", "warning")
    assert line["text"] == "unclosed session"


async def test_what_nobody_awaited_is_logged_without_its_words(logged):
    loop = asyncio.get_running_loop()
    loop_exception_handler(loop, {"message": "never retrieved", "exception": ValueError("hanako")})
    (line,) = logged()
    assert (line["event"], line["text"]) == ("unhandled", "never retrieved")
    assert line["exception"] == [{"type": "ValueError", "frames": []}]


async def sample(running, name: str, **labels: str) -> float:
    text = (await running.http.get("/metrics")).text
    wanted = {"grpc_method": METHOD, **labels}
    found = [
        one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name == name and one.labels == wanted
    ]
    return sum(found)


async def test_calls_are_counted_and_timed(start, buyer):
    async with start() as running:
        started = await sample(running, "grpc_server_call_started_total")
        ended = await sample(running, "grpc_server_call_duration_seconds_count", grpc_status="OK")
        await running.stub.RegisterUser(buyer)
        assert await sample(running, "grpc_server_call_started_total") == started + 1
        duration = "grpc_server_call_duration_seconds"
        assert await sample(running, f"{duration}_count", grpc_status="OK") == ended + 1
        assert await sample(running, f"{duration}_bucket", grpc_status="OK", le="100.0") == ended + 1


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
async def test_a_protocol_that_there_is_not_stops_the_start(monkeypatch, variables, line):
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


def test_an_untraced_process_does_not_load_the_sdk():
    program = "import sys, services.server; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603 # our own
