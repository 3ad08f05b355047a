"""The limit of streams, per caller and per connection."""

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest

from services.server.security.peer_identity import Peer, PeerIdentityResolver
from tests.server.shop_server import Line, accept, connect, running_shop, serialized_line
from tests.support.status_details import parse_status_details

TIMEOUT_S = 5


async def echo(requests, _deadline):
    async for request in requests:
        yield serialized_line(request.sku)


async def open_stream(client):
    """Open a stream, and wait until it is handled."""
    call = client.Chat()
    await call.write(Line(sku="a"))
    assert (await asyncio.wait_for(call.read(), TIMEOUT_S)).sku == "a"
    return call


async def expect_rejection(client):
    """Return the metadata of the error that a further stream gets."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await open_stream(client)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = parse_status_details(caught.value)
    assert details.keys() == {"ErrorInfo", "QuotaFailure", "RetryInfo"}
    assert details["ErrorInfo"].reason == "ERROR_REASON_STREAM_LIMIT"
    return {
        key: value for key, value in details["ErrorInfo"].metadata.items() if key.startswith("streamsPer")
    }


async def close_stream(call):
    await call.done_writing()
    assert await asyncio.wait_for(call.read(), TIMEOUT_S) is grpc.aio.EOF


@pytest.fixture
def identities(monkeypatch):
    """The identities of the next calls; without one, a caller is not known."""
    identities = []
    monkeypatch.setattr(
        PeerIdentityResolver, "resolve", lambda *_: Peer(identities.pop(0) if identities else "")
    )
    return identities


async def test_a_caller_has_a_limited_number_of_streams(identities):
    async with (
        running_shop({"Chat": echo, "Ask": accept}, max_streams_per_caller=2) as shop,
        connect(f"127.0.0.1:{shop.addresses.port}", None) as channel,
    ):
        other = type(shop.client)(channel)
        for _ in range(2):  # the second time, the streams of the first time have ended
            streams = [await open_stream(shop.client), await open_stream(other)]
            for client in (shop.client, other):
                assert await expect_rejection(client) == {"streamsPerCaller": "2"}
            identities.append("spiffe://another")
            streams.append(await open_stream(shop.client))
            await shop.client.Ask(Line())
            for stream in streams:
                await close_stream(stream)


async def test_a_connection_has_a_limited_number_of_streams(identities):
    async with (
        running_shop({"Chat": echo}, max_streams_per_connection=1) as shop,
        connect(f"127.0.0.1:{shop.addresses.port}", None) as channel,
    ):
        identities += ["a", "b", "c"]
        stream = await open_stream(shop.client)
        assert await expect_rejection(shop.client) == {"streamsPerConnection": "1"}
        await close_stream(await open_stream(type(shop.client)(channel)))
        await close_stream(stream)
        await close_stream(await open_stream(shop.client))


@pytest.mark.slow
async def test_thousands_of_streams_at_once_cancel_no_call():
    """gRPC's own limit of calls that wait would cancel calls at random, without a reason."""

    codes = []

    async def note_code(call):
        codes.append(await call.code())

    async with (
        running_shop({"Chat": echo, "Ask": accept}, max_streams_per_caller=1) as shop,
        AsyncExitStack() as stack,
    ):
        clients = []
        for _ in range(5):
            channel = await stack.enter_async_context(connect(f"127.0.0.1:{shop.addresses.port}", None))
            clients.append(type(shop.client)(channel))
        calls = [client.Chat() for client in clients for _ in range(1000)]
        waiting = [asyncio.create_task(note_code(call)) for call in calls]
        while len(codes) < len(calls) - 1:  # one stream is open
            await shop.client.Ask(Line(), timeout=60)
            await asyncio.sleep(0.02)
        assert set(codes) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        for call in calls:
            call.cancel()
        await asyncio.wait(waiting)
