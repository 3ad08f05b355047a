"""The access log has one line for each call."""

import asyncio
import copy
from datetime import datetime

import grpc
import pytest

from services.errors import UpstreamRate
from services.log_fields import bind_log_fields

METHOD = "nationalsite.account.v1.AccountService/RegisterUser"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def traceparent(trace: str) -> tuple[tuple[str, str], ...]:
    return (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),)


async def test_a_call_is_one_line_without_the_request(start_server, registration, logged):
    async def handle(_request, _deadline):
        bind_log_fields(upstream_code="0", upstream_ms=1.5)
        return b""

    async with start_server(handle) as running:
        await running.stub.RegisterUser(registration, metadata=traceparent(TRACE))

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
async def test_an_invalid_trace_is_not_logged(start_server, registration, logged, trace):
    async with start_server() as running:
        await running.stub.RegisterUser(registration, metadata=traceparent(trace))
    assert "trace_id" not in logged("call")[0]


async def test_a_failed_call_is_logged_with_its_reason(start_server, registration, logged):
    async def fail(_request, _deadline):
        bind_log_fields(upstream_code="gw.QosAppFrequencyLimit")
        raise UpstreamRate("slow down", upstream_message="hanako@example.jp")

    async with start_server(fail) as running:
        with pytest.raises(grpc.aio.AioRpcError):
            await running.stub.RegisterUser(registration)
        registration.country_account.email = "hanako"
        with pytest.raises(grpc.aio.AioRpcError):
            await running.stub.RegisterUser(registration)

    first, second = logged("call")
    assert (first["status"], first["reason"]) == ("RESOURCE_EXHAUSTED", "UPSTREAM_RATE")
    assert first["upstream_code"] == "gw.QosAppFrequencyLimit"
    assert (second["status"], second["reason"]) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert "upstream_code" not in second
    assert "hanako" not in str(logged())


async def test_concurrent_calls_do_not_mix(start_server, registration, logged):
    barrier = asyncio.Barrier(20)

    async def handle(request, _deadline):
        await barrier.wait()
        bind_log_fields(upstream_code=request.country_account.out_member_id)
        await barrier.wait()
        return b""

    async def register(running, number):
        request = copy.deepcopy(registration)
        request.country_account.out_member_id = f"code-{number}"
        await running.stub.RegisterUser(request, metadata=traceparent(f"{number:032x}"))

    async with start_server(handle) as running:
        await asyncio.gather(*(register(running, number) for number in range(1, 21)))

    lines = logged("call")
    assert len(lines) == 20
    assert all(line["upstream_code"] == f"code-{int(line['trace_id'], 16)}" for line in lines)
