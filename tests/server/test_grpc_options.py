"""The limits of connections and messages, and channelz."""

import asyncio

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from services.server import current_caller
from services.server.security.peer_identity import Peer, PeerIdentityResolver
from tests.server.shop_server import Line, accept, running_shop

TIMEOUT_S = 5


async def test_headers_are_limited():
    handled = []

    async def handle(_request, _deadline):
        handled.append(True)
        return b""

    async with running_shop({"Ask": handle}) as shop:
        await shop.client.Ask(Line(), metadata=(("x-large", "x" * 14_000),))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line(), metadata=(("x-large", "x" * 17_000),))
        await shop.client.Ask(Line())
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(handled) == 2


async def test_requests_are_limited():
    async with running_shop({"Ask": accept}) as shop:
        await shop.client.Ask(Line(weight=bytes(8_000_000)))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line(weight=bytes(9_000_000)))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_connection_is_replaced_at_its_maximum_age(monkeypatch):
    monkeypatch.setattr(PeerIdentityResolver, "resolve", lambda _, context: Peer(context.peer()))

    async def return_port(_request, _deadline):
        return Line(sku=current_caller().identity.rpartition(":")[2]).SerializeToString()

    async with running_shop({"Ask": return_port}, connection_age_s=0.1, connection_age_grace_s=5) as shop:
        ports = set()
        async with asyncio.timeout(TIMEOUT_S):
            while len(ports) < 3:
                ports.add((await shop.client.Ask(Line())).sku)


@pytest.mark.parametrize("switch", ["on", "off"])
async def test_channelz_is_optional(switch):
    async with running_shop({"Ask": accept}, channelz=switch) as shop:
        stub = channelz_pb2_grpc.ChannelzStub(shop.client.channel)
        await shop.client.Ask(Line())
        call = stub.GetServers(channelz_pb2.GetServersRequest())
        if switch == "on":
            servers = (await call).server
            assert sum(server.data.calls_succeeded for server in servers) >= 1
        else:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
