"""Streaming RPCs: the same layers, the same answers, and an end at the drain."""

import asyncio
import math

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.errors import UpstreamRate
from services.server.interceptors import error_mapping
from tests.server.shop import Line, open_shop

PATIENCE_S = 5


def details(error):
    """The reason of a failure without its prefix, and the fields of its BadRequest."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    packed = rpc_status.from_call(error).details
    assert packed[0].Unpack(info)
    for detail in packed[1:]:
        detail.Unpack(bad)
    return info.reason.removeprefix("ERROR_REASON_"), [one.field for one in bad.field_violations]


def line(sku):
    return Line(sku=sku).SerializeToString()


async def all_of(call):
    return [response async for response in call]


async def echo(requests, _deadline):
    async for request in requests:
        yield line(request.sku * 2)


class Stream:
    """Sends one response, waits until it is ended, and takes its time to clean up."""

    def __init__(self):
        self.began, self.closed = asyncio.Event(), asyncio.Event()
        self.order = []

    async def __call__(self, _requests, _deadline):
        try:
            self.began.set()
            yield line("a")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.order.append("stream")
            self.closed.set()

    def parts_closed(self):
        self.order.append("parts")


@pytest.fixture
def stream():
    return Stream()


async def test_requests_and_responses_take_turns(logged):
    async with open_shop({"Chat": echo}) as shop:
        call = shop.customer.Chat()
        for sku in ("a", "b"):
            await call.write(Line(sku=sku))
            assert (await call.read()).sku == sku * 2
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
    (told,) = logged("call")
    assert (told["rpc"], told["status"]) == ("/shop.v1.Shop/Chat", "OK")


async def test_one_side_alone_can_stream():
    async def list_lines(request, _deadline):
        for number in range(3):
            yield line(f"{request.sku}{number}")

    async def collect(requests, _deadline):
        return line("".join([request.sku async for request in requests]))

    async with open_shop({"List": list_lines, "Collect": collect}) as shop:
        assert [one.sku async for one in shop.customer.List(Line(sku="a"))] == ["a0", "a1", "a2"]
        assert (await shop.customer.Collect(iter([Line(sku="x"), Line(sku="y")]))).sku == "xy"


@pytest.mark.parametrize("bad", ["rule", "bytes"])
async def test_a_bad_request_ends_the_stream_and_is_named(logged, bad):
    async with open_shop({"Chat": echo}) as shop:
        sent = [line("a"), line("far too long") if bad == "rule" else b"\xff\xffhanako"]
        call = shop.customer.channel.stream_stream("/shop.v1.Shop/Chat")(iter(sent))
        assert Line.FromString(await call.read()).sku == "aa"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(caught.value) == ("INVALID_REQUEST", ["sku" if bad == "rule" else ""])
    assert [told["reason"] for told in logged("call")] == ["INVALID_REQUEST"]
    assert "hanako" not in str(logged())


async def test_failures_of_a_handlers_tasks_are_told_like_its_own(logged):
    async def fail(error):
        raise error

    async def chat(requests, _deadline):
        async with asyncio.TaskGroup() as tasks:
            async for request in requests:
                tasks.create_task(
                    fail({"ours": UpstreamRate("slow"), "bug": KeyError("hanako")}[request.sku])
                )
        yield b""

    async with open_shop({"Chat": chat}) as shop:
        for sku, reason in (("ours", "UPSTREAM_RATE"), ("bug", "INTERNAL_FAULT")):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await shop.customer.Chat(iter([Line(sku=sku)])).read()
            assert details(caught.value)[0] == reason
    (fault,) = logged("internal_fault")
    assert [one["type"] for (one, *_) in fault["exception"][0]["exceptions"]] == ["KeyError"]
    assert "hanako" not in str(logged())


@pytest.mark.parametrize(("given_s", "expected_s"), [(60, 60), (None, math.inf)])
async def test_a_stream_has_no_deadline_but_its_callers(given_s, expected_s):
    left = []

    async def measure(_request, deadline):
        left.append(deadline - asyncio.get_running_loop().time())
        yield b""

    async with open_shop({"List": measure}) as shop:
        assert len([one async for one in shop.customer.List(Line(), timeout=given_s)]) == 1
    assert left[0] == pytest.approx(expected_s, abs=1)


async def test_the_callers_deadline_ends_a_stream(stream, logged):
    async with open_shop({"Chat": stream}) as shop:
        call = shop.customer.Chat(timeout=0.1)
        assert (await call.read()).sku == "a"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        await asyncio.wait_for(stream.closed.wait(), PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [told["status"] for told in logged("call")] == ["DEADLINE_EXCEEDED"]


async def test_a_cancelled_stream_is_cleaned_up(stream, logged):
    async with open_shop({"Chat": stream}) as shop:
        call = shop.customer.Chat()
        assert (await call.read()).sku == "a"
        call.cancel()
        await asyncio.wait_for(stream.closed.wait(), PATIENCE_S)
    assert [told["status"] for told in logged("call")] == ["CANCELLED"]


async def test_a_caller_that_breaks_off_midway_leaves_no_fault_behind(logged):
    """Many times over: the end may meet the stream while it reads, writes or waits for room."""
    closed = asyncio.Semaphore(0)

    async def pour(_requests, _deadline):
        try:
            while True:
                yield Line(weight=bytes(10_000)).SerializeToString()
        finally:
            closed.release()

    async def sip(shop, times):
        call = shop.customer.Chat()
        for _ in range(times):
            await call.read()
        call.cancel()

    async with open_shop({"Chat": pour}) as shop:
        await asyncio.gather(*(sip(shop, times) for times in range(1, 41)))
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(40):
                await closed.acquire()
    assert {told["event"] for told in logged()} == {"serving", "audit", "call", "draining", "stopped"}
    assert [told["status"] for told in logged("call")] == ["CANCELLED"] * 40


async def test_a_drain_ends_streams_at_once_and_their_cleanup_comes_before_the_parts(stream, logged):
    async with open_shop({"Chat": stream}, closed=stream.parts_closed, grace_s=600) as shop:
        call = shop.customer.Chat()
        assert (await call.read()).sku == "a"
        shop.drain.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call.read(), PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert details(caught.value)[0] == "DRAINING"
    assert stream.order == ["stream", "parts"]
    assert [(told["status"], told["reason"]) for told in logged("call")] == [("UNAVAILABLE", "DRAINING")]


@pytest.mark.parametrize("turns", range(5))
async def test_a_drain_that_meets_a_stream_at_its_first_response_is_told_too(logged, turns):
    """Whatever the stream was about to send: its caller learns why it ended."""
    began = asyncio.Event()

    async def pour(_requests, _deadline):
        began.set()
        while True:
            yield line("a")

    async with open_shop({"Chat": pour}) as shop:
        call = shop.customer.Chat()
        await began.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        shop.drain.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(all_of(call), PATIENCE_S)
    assert details(caught.value)[0] == "DRAINING"
    assert not logged("library")


async def test_a_stream_that_cleans_up_is_not_disturbed_by_the_end_of_the_grace(stream):
    async with open_shop({"Chat": stream}, closed=stream.parts_closed, grace_s=0) as shop:
        call = shop.customer.Chat()
        assert (await call.read()).sku == "a"
        shop.drain.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call.read(), PATIENCE_S)
    assert details(caught.value)[0] == "DRAINING"
    assert stream.order == ["stream", "parts"]


async def test_responses_wait_for_a_caller_that_does_not_read_and_a_drain_does_not(monkeypatch, logged):
    monkeypatch.setattr(error_mapping, "_ABORT_TIMEOUT_S", 0.05)
    made = 0

    async def pour(_requests, _deadline):
        nonlocal made
        while True:
            made += 1
            yield Line(weight=bytes(50_000)).SerializeToString()

    async with open_shop({"Chat": pour}, grace_s=600) as shop:
        call = shop.customer.Chat()
        await call.read()
        before = -1
        async with asyncio.timeout(PATIENCE_S):
            while made != before:  # until it stands still
                before = made
                await asyncio.sleep(0.05)
        shop.drain.set()
        await asyncio.wait_for(shop.stopped.wait(), PATIENCE_S)
    assert {told["event"] for told in logged()} == {"serving", "audit", "call", "draining", "stopped"}
    assert [told["reason"] for told in logged("call")] == ["DRAINING"]
