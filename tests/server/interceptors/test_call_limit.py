"""The limit of calls in flight, per caller."""

import asyncio
from contextlib import suppress
from typing import Any

import grpc
import pytest

from services.server.security.peer_identity import Peer, PeerIdentityResolver
from tests.server.shop_server import Line, running_shop, serialized_line
from tests.support.status_details import parse_status_details

TIMEOUT_S = 10


async def test_a_caller_has_a_limited_number_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = ["many"]
    monkeypatch.setattr(PeerIdentityResolver, "resolve", lambda *_: Peer(caller[0]))
    handled: asyncio.Queue[str] = asyncio.Queue()
    end = asyncio.Event()

    async def poll(request: Any, _deadline: float) -> bytes:
        """Wait for long."""
        handled.put_nowait(request.sku)
        await end.wait()
        return serialized_line(request.sku)

    async with asyncio.timeout(TIMEOUT_S), running_shop({"Ask": poll}, max_calls_per_caller=2) as shop:

        async def start(sku: str) -> Any:
            """Make a call. Return it when it is handled; raise its error if it is rejected."""
            call = shop.client.Ask(Line(sku=sku))
            is_handled = asyncio.ensure_future(handled.get())
            is_done = asyncio.ensure_future(call.code())
            await asyncio.wait([is_handled, is_done], return_when=asyncio.FIRST_COMPLETED)
            if is_done.done():
                is_handled.cancel()
                await call
            is_done.cancel()
            assert is_handled.result() == sku
            return call

        first, second = await start("1"), await start("2")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await start("3")
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        details = parse_status_details(caught.value)
        assert details["ErrorInfo"].reason == "ERROR_REASON_OVERLOADED"
        assert "RetryInfo" in details

        caller[0] = "modest"
        modest = await start("4")
        caller[0] = "many"
        first.cancel()
        third = None
        while third is None:  # until the server has seen that the first one is cancelled
            with suppress(grpc.aio.AioRpcError):
                third = await start("5")
        end.set()
        assert [(await call).sku for call in (second, modest, third)] == ["2", "4", "5"]
