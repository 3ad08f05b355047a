"""The deadline of a call, and what happens when it passes."""

import asyncio
import math

import grpc
import pytest
from nationalsite.account import v1 as account_v1

from services.errors import DeadlineExceeded, ErrorOrigin
from services.server import Endpoint, call_timeout
from services.server.call import CallContext, MethodInfo
from services.server.interceptors import deadline
from tests.server.shop_server import Line, running_shop, serialized_line
from tests.support.status_details import parse_reason

ACCOUNT = account_v1.ACCOUNT_SERVICE
LIMITS = '{"RegisterUser": {"default_s": 20, "cap_s": 40}, "Elsewhere": {"cap_s": 11}}'
TIMEOUT_S = 5


@pytest.fixture
def stuck():
    """A handler that waits until it is cancelled."""

    class StuckHandler:
        def __init__(self):
            self.started, self.cancelled = asyncio.Event(), asyncio.Event()

        async def __call__(self, _request, _deadline):
            self.started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise

    return StuckHandler()


@pytest.mark.parametrize(
    ("limits", "timeout_s", "expected_s"),
    [
        ("{}", 3, 3),
        ("{}", None, 10),
        ("{}", 9999, 300),
        (LIMITS, None, 20),
        (LIMITS, 30, 30),
        (LIMITS, 60, 40),
    ],
)
async def test_the_handler_gets_the_callers_deadline_within_the_limits(
    start_server, registration, limits, timeout_s, expected_s
):
    remaining_s = []

    async def measure(_request, deadline):
        remaining_s.append(deadline - asyncio.get_running_loop().time())
        return b""

    async with start_server(measure, deadlines=limits) as running:
        await running.stub.RegisterUser(registration, timeout=timeout_s)
    # gRPC rounds a timeout up when it sends it.
    assert expected_s - 1 < remaining_s[0] <= expected_s * 1.01


async def test_a_call_after_its_deadline_is_not_handled():
    class GrpcContext:
        def time_remaining(self):
            return 0.0

    async def unreached(_call):
        raise AssertionError

    method = MethodInfo(
        descriptor=ACCOUNT.methods_by_name["RegisterUser"],
        endpoint=Endpoint(handler=unreached, origin=ErrorOrigin("")),
    )
    with pytest.raises(DeadlineExceeded):
        await deadline.DeadlineInterceptor(method, limits={})(CallContext(GrpcContext()), unreached)


async def test_a_handler_that_ignores_the_deadline_is_cancelled(
    start_server, registration, stuck, monkeypatch
):
    monkeypatch.setattr(call_timeout, "GRACE_S", 0.01)
    async with start_server(stuck, deadlines='{"RegisterUser": {"default_s": 0.01}}') as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(registration)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert parse_reason(caught.value) == "DEADLINE"
    assert stuck.cancelled.is_set()


async def test_the_callers_deadline_ends_the_handler(start_server, registration, stuck, logged):
    async with start_server(stuck) as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(registration, timeout=0.1)
        await asyncio.wait_for(stuck.cancelled.wait(), TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [line["status"] for line in logged("call")] == ["DEADLINE_EXCEEDED"]


async def test_a_callers_cancellation_reaches_the_handler_and_the_next_call_works(
    start_server, registration, stuck, logged
):
    async def handle(request, deadline):
        return b"" if stuck.cancelled.is_set() else await stuck(request, deadline)

    async with start_server(handle) as running:
        call = running.stub.RegisterUser(registration)
        await asyncio.wait_for(stuck.started.wait(), TIMEOUT_S)
        call.cancel()
        await asyncio.wait_for(stuck.cancelled.wait(), TIMEOUT_S)
        await running.stub.RegisterUser(registration)
    assert [line["status"] for line in logged("call")] == ["CANCELLED", "OK"]


@pytest.mark.parametrize(("timeout_s", "expected_s"), [(60, 60), (None, math.inf)])
async def test_a_stream_has_only_its_callers_deadline(timeout_s, expected_s):
    remaining_s = []

    async def measure(_request, deadline):
        remaining_s.append(deadline - asyncio.get_running_loop().time())
        yield b""

    async with running_shop({"List": measure}) as shop:
        assert len([response async for response in shop.client.List(Line(), timeout=timeout_s)]) == 1
    assert remaining_s[0] == pytest.approx(expected_s, abs=1)


async def test_the_deadline_of_the_settings_ends_a_stream_of_requests(monkeypatch):
    monkeypatch.setattr(call_timeout, "GRACE_S", 0.01)

    async def collect(requests, _deadline):
        return serialized_line("".join([request.sku async for request in requests]))

    async with running_shop({"Collect": collect}, deadlines='{"Collect": {"default_s": 0.05}}') as shop:
        silent = shop.client.Collect()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(silent, TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert parse_reason(caught.value) == "DEADLINE"


async def test_the_callers_deadline_ends_a_stream(stream_handler, logged):
    async with running_shop({"Chat": stream_handler}) as shop:
        call = shop.client.Chat(timeout=0.1)
        assert (await call.read()).sku == "a"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        await asyncio.wait_for(stream_handler.closed.wait(), TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [line["status"] for line in logged("call")] == ["DEADLINE_EXCEEDED"]
