"""Streams: requests, responses, and callers that do not read or leave."""

import asyncio

import grpc
import pytest

from services.server import handler_invoker
from services.server.call import CallContext
from services.server.handler_invoker import GeneratorInvoker
from tests.server.shop_server import CALL_EVENTS, Line, running_shop, serialized_line

TIMEOUT_S = 5


async def echo(requests, _deadline):
    async for request in requests:
        yield serialized_line(request.sku * 2)


async def test_requests_and_responses_alternate(logged):
    async with running_shop({"Chat": echo}) as shop:
        call = shop.client.Chat()
        for sku in ("a", "b"):
            await call.write(Line(sku=sku))
            assert (await call.read()).sku == sku * 2
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
    (line,) = logged("call")
    assert (line["rpc"], line["status"]) == ("/shop.v1.Shop/Chat", "OK")


async def test_requests_or_responses_alone_can_be_a_stream():
    async def list_lines(request, _deadline):
        for number in range(3):
            yield serialized_line(f"{request.sku}{number}")

    async def collect(requests, _deadline):
        return serialized_line("".join([request.sku async for request in requests]))

    async with running_shop({"List": list_lines, "Collect": collect}) as shop:
        assert [response.sku async for response in shop.client.List(Line(sku="a"))] == ["a0", "a1", "a2"]
        assert (await shop.client.Collect(iter([Line(sku="x"), Line(sku="y")]))).sku == "xy"


async def test_a_cancelled_stream_is_cleaned_up(stream_handler, logged):
    async with running_shop({"Chat": stream_handler}) as shop:
        call = shop.client.Chat()
        assert (await call.read()).sku == "a"
        call.cancel()
        await asyncio.wait_for(stream_handler.closed.wait(), TIMEOUT_S)
    assert [line["status"] for line in logged("call")] == ["CANCELLED"]


async def test_a_cancelled_stream_causes_no_internal_fault(logged):
    """Many streams: the cancellation may come while a stream reads, writes or waits for the transport."""
    closed = asyncio.Semaphore(0)

    async def generate(_requests, _deadline):
        try:
            while True:
                yield Line(weight=bytes(10_000)).SerializeToString()
        finally:
            closed.release()

    async def read_and_cancel(shop, responses):
        call = shop.client.Chat()
        for _ in range(responses):
            await call.read()
        call.cancel()

    async with running_shop({"Chat": generate}) as shop:
        await asyncio.gather(*(read_and_cancel(shop, responses) for responses in range(1, 41)))
        async with asyncio.timeout(TIMEOUT_S):
            for _ in range(40):
                await closed.acquire()
    assert {line["event"] for line in logged()} == CALL_EVENTS
    assert [line["status"] for line in logged("call")] == ["CANCELLED"] * 40


async def test_a_handler_of_one_response_is_resumed_when_it_was_sent(logged):
    events = []

    async def answer(request, _deadline):
        yield serialized_line(request.sku * 2)
        events.append("sent")

    async with running_shop({"Ask": answer}) as shop:
        assert (await shop.client.Ask(Line(sku="a"))).sku == "aa"
    assert events == ["sent"]
    assert [line["status"] for line in logged("call")] == ["OK"]


async def test_a_caller_that_does_not_read_responses_is_timed_out(monkeypatch, logged):
    monkeypatch.setattr(handler_invoker, "WRITE_TIMEOUT_S", 0.1)
    monkeypatch.setattr("services.server.interceptors.error_mapping._ABORT_TIMEOUT_S", 0.1)
    closed = asyncio.Event()

    async def generate(_requests, _deadline):
        try:
            while True:
                yield Line(weight=bytes(100_000)).SerializeToString()
        finally:
            closed.set()

    async with running_shop({"Chat": generate}) as shop:
        call = shop.client.Chat()
        await call.read()
        await asyncio.wait_for(closed.wait(), TIMEOUT_S)
    assert [line["reason"] for line in logged("call")] == ["DEADLINE"]


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_whether_a_response_was_sent_when_its_call_is_cancelled(is_streaming):
    """A unary caller gets the response only with the status, which a cancelled call does not get."""
    sent = []

    async def generate(_request, _deadline):
        is_sent = False
        try:
            yield b"response"
            is_sent = True
        finally:
            sent.append(is_sent)

    class Context:
        async def send_initial_metadata(self, _metadata):
            """Send nothing."""

        async def write(self, _response):
            call.cancel()

    invoker = GeneratorInvoker(generate, is_streaming=is_streaming)
    call = asyncio.ensure_future(invoker(CallContext(Context())))
    await asyncio.wait([call])
    assert call.cancelled()
    assert sent == [is_streaming]
