"""The shutdown of a server with calls and streams in flight."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

from services.server import call_timeout
from services.server.interceptors import error_mapping
from tests.server.shop_server import CALL_EVENTS, Line, accept, running_shop, serialized_line
from tests.support.event_loop import run_turns
from tests.support.status_details import parse_reason

TIMEOUT_S = 5
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_changes_calls_finish_and_watches_do_not_delay_the_shutdown(
    start_stoppable_server, registration
):
    started, release = asyncio.Event(), asyncio.Event()

    async def handle(_request, _deadline):
        started.set()
        await release.wait()
        return b""

    async with start_stoppable_server(handle, grace_s=600) as (running, stop):
        watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        call = running.stub.RegisterUser(registration)
        await started.wait()
        stop.set()
        assert (await watch.read()).status == NOT_SERVING
        assert (await running.http.get("/readyz")).status_code == 503
        assert (await running.http.get("/livez")).status_code == 200
        release.set()
        await call


async def test_calls_are_cancelled_after_the_grace_and_before_the_runtime_is_closed(
    start_stoppable_server, registration
):
    started, ended = asyncio.Event(), []

    async def handle(_request, _deadline):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("call")

    def on_close():
        ended.append("runtime")

    async with start_stoppable_server(handle, on_close, grace_s=0.01) as (running, stop):
        call = running.stub.RegisterUser(registration)
        await started.wait()
        stop.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert ended == ["call", "runtime"]
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert parse_reason(caught.value) == "OUTCOME_UNKNOWN"
    assert dict(caught.value.trailing_metadata())["grpc-retry-pushback-ms"] == "-1"


async def test_a_call_whose_deadline_passes_while_it_cleans_up_after_the_shutdown_has_a_status(monkeypatch):
    monkeypatch.setattr(call_timeout, "GRACE_S", 0)
    started, interrupted = asyncio.Event(), asyncio.Event()

    async def handle(_request, _deadline):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            try:
                await asyncio.Event().wait()
            finally:
                interrupted.set()

    limits = '{"Buy": {"default_s": 0.2}}'
    async with running_shop({"Buy": handle}, grace_s=0, deadlines=limits) as shop:
        call = shop.client.Buy(Line())
        await started.wait()
        shop.stop.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call, TIMEOUT_S)
        assert interrupted.is_set(), "the timeout ends a cleanup that takes too long"
    assert parse_reason(caught.value) == "OUTCOME_UNKNOWN"


def count_started_calls():
    return REGISTRY.get_sample_value("grpc_server_call_started_total", {"grpc_method": "shop.v1.Shop/Buy"})


async def test_a_caller_that_sent_no_request_is_sent_to_another_replica(logged):
    async with running_shop({"Buy": accept}, grace_s=0) as shop:
        before = count_started_calls() or 0
        call = shop.client.channel.stream_unary("/shop.v1.Shop/Buy")()
        async with asyncio.timeout(TIMEOUT_S):
            while count_started_calls() in (None, before):  # noqa: ASYNC110 # no handler that could set an event
                await asyncio.sleep(0.001)
        shop.stop.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert [line["reason"] for line in logged("call")] == ["DRAINING"]


async def read_all(call):
    return [response async for response in call]


async def test_streams_are_cancelled_at_once_and_clean_up_before_the_runtime_is_closed(
    stream_handler, logged
):
    async with running_shop({"Chat": stream_handler}, on_close=stream_handler.on_close, grace_s=600) as shop:
        call = shop.client.Chat()
        assert (await call.read()).sku == "a"
        shop.stop.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call.read(), TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert parse_reason(caught.value) == "DRAINING"
    assert stream_handler.closing_order == ["stream", "runtime"]
    assert [(line["status"], line["reason"]) for line in logged("call")] == [("UNAVAILABLE", "DRAINING")]


@pytest.mark.parametrize("loop_iterations", range(5))
async def test_a_stream_that_is_cancelled_at_its_first_response_has_a_status(logged, loop_iterations):
    """Whatever the stream is sending at that time."""
    streaming = asyncio.Event()

    async def generate(_requests, _deadline):
        streaming.set()
        while True:
            yield serialized_line("a")

    async with running_shop({"Chat": generate}) as shop:
        call = shop.client.Chat()
        await streaming.wait()
        await run_turns(loop_iterations)
        shop.stop.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(read_all(call), TIMEOUT_S)
    assert parse_reason(caught.value) == "DRAINING"
    assert not logged("library")


async def test_the_end_of_the_grace_does_not_interrupt_a_stream_that_cleans_up(stream_handler):
    async with running_shop({"Chat": stream_handler}, on_close=stream_handler.on_close, grace_s=0) as shop:
        call = shop.client.Chat()
        assert (await call.read()).sku == "a"
        shop.stop.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call.read(), TIMEOUT_S)
    assert parse_reason(caught.value) == "DRAINING"
    assert stream_handler.closing_order == ["stream", "runtime"]


async def test_responses_wait_for_a_caller_that_does_not_read_and_the_shutdown_does_not(monkeypatch, logged):
    monkeypatch.setattr(error_mapping, "_ABORT_TIMEOUT_S", 0.05)
    generated = 0

    async def generate(_requests, _deadline):
        nonlocal generated
        while True:
            generated += 1
            yield Line(weight=bytes(50_000)).SerializeToString()

    async with running_shop({"Chat": generate}, grace_s=600) as shop:
        call = shop.client.Chat()
        await call.read()
        before = -1
        async with asyncio.timeout(TIMEOUT_S):
            while generated != before:  # until it waits
                before = generated
                await asyncio.sleep(0.05)
        shop.stop.set()
        await asyncio.wait_for(shop.stopped.wait(), TIMEOUT_S)
    assert {line["event"] for line in logged()} == CALL_EVENTS
    assert [line["reason"] for line in logged("call")] == ["DRAINING"]
