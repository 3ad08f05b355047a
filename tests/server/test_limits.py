"""What a caller may cost: sizes, waiting, connections; and what gRPC shows of it."""

import asyncio

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from prometheus_client import REGISTRY

from services.server import current_caller, handler_invoker
from services.server.security.peer_identity import PeerIdentityResolver
from tests.server.shop import Line, open_shop

PATIENCE_S = 5


def arrived():
    return REGISTRY.get_sample_value("grpc_server_call_started_total", {"grpc_method": "shop.v1.Shop/Buy"})


async def accept(_request, _deadline):
    return b""


async def test_headers_are_bounded():
    reached = []

    async def accept(_request, _deadline):
        reached.append(True)
        return b""

    async with open_shop({"Ask": accept}) as shop:
        await shop.customer.Ask(Line(), metadata=(("x-large", "x" * 14_000),))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.customer.Ask(Line(), metadata=(("x-large", "x" * 17_000),))
        await shop.customer.Ask(Line())
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(reached) == 2


async def test_requests_are_bounded():
    async with open_shop({"Ask": accept}) as shop:
        await shop.customer.Ask(Line(weight=bytes(8_000_000)))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.customer.Ask(Line(weight=bytes(9_000_000)))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_caller_that_sends_no_request_is_met_by_the_deadline(logged):
    async with open_shop({"Ask": accept}, deadlines='{"Ask": {"default_s": 0.01}}') as shop:
        call = shop.customer.channel.stream_unary("/shop.v1.Shop/Ask")()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call, PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [line["reason"] for line in logged("call")] == ["DEADLINE"]


async def test_a_call_that_ends_without_a_request_is_the_callers_error(logged):
    async with open_shop({"Ask": accept}) as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.customer.channel.stream_unary("/shop.v1.Shop/Ask")(iter([]))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "no request was sent"


async def test_a_drain_tells_a_caller_that_sent_no_request_to_go_elsewhere(logged):
    async with open_shop({"Buy": accept}, grace_s=0) as shop:
        before = arrived() or 0
        call = shop.customer.channel.stream_unary("/shop.v1.Shop/Buy")()
        async with asyncio.timeout(PATIENCE_S):
            while arrived() in (None, before):  # noqa: ASYNC110 # no handler sees it that could tell
                await asyncio.sleep(0.001)
        shop.drain.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert [line["reason"] for line in logged("call")] == ["DRAINING"]


async def test_a_caller_that_does_not_take_responses_is_left(monkeypatch, logged):
    monkeypatch.setattr(handler_invoker, "WRITE_TIMEOUT_S", 0.1)
    monkeypatch.setattr("services.server.interceptors.error_mapping._ABORT_TIMEOUT_S", 0.1)
    closed = asyncio.Event()

    async def pour(_requests, _deadline):
        try:
            while True:
                yield Line(weight=bytes(100_000)).SerializeToString()
        finally:
            closed.set()

    async with open_shop({"Chat": pour}) as shop:
        call = shop.customer.Chat()
        await call.read()
        await asyncio.wait_for(closed.wait(), PATIENCE_S)
    assert [line["reason"] for line in logged("call")] == ["DEADLINE"]


async def test_a_connection_is_replaced_at_its_age_without_an_error(monkeypatch):
    monkeypatch.setattr(PeerIdentityResolver, "resolve", lambda _, context: context.peer())

    async def port(_request, _deadline):
        return Line(sku=current_caller().identity.rpartition(":")[2]).SerializeToString()

    async with open_shop({"Ask": port}, connection_age_s=0.1, connection_age_grace_s=5) as shop:
        ports = set()
        async with asyncio.timeout(PATIENCE_S):
            while len(ports) < 3:
                ports.add((await shop.customer.Ask(Line())).sku)


@pytest.mark.parametrize("switch", ["on", "off"])
async def test_channelz_is_behind_a_switch(switch):
    async with open_shop({"Ask": accept}, channelz=switch) as shop:
        stub = channelz_pb2_grpc.ChannelzStub(shop.customer.channel)
        await shop.customer.Ask(Line())
        asked = stub.GetServers(channelz_pb2.GetServersRequest())
        if switch == "on":
            servers = (await asked).server
            assert sum(one.data.calls_succeeded for one in servers) >= 1
        else:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await asked
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
