"""A gRPC client that checks status and size of every response, and does not parse them."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from typing import Any

import grpc.aio
import uvloop
from nationalsite.product.v1 import SearchByKeywordResponse

from benchmarks.workers import load_generator
from benchmarks.workers.command_loop import run_commands

DEADLINE_S = 30
CHANNELS = 4
"""Channels to a server, each with its own connection: a connection has at most 1,000 calls in flight."""
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1))

_channels: dict[str, list[grpc.aio.Channel]] = {}
Method = Callable[..., Awaitable[bytes]]


async def call_once(address: str, method: str, request: str, identity: str) -> str:
    """Make one call; return its response."""
    rpc, metadata = _methods(address, method)[0], _metadata(identity)
    return b64encode(await rpc(b64decode(request), timeout=DEADLINE_S, metadata=metadata)).decode()


async def closed_loop(
    address: str, method: str, request: str, identity: str, in_flight: int, calls: int, parse: bool
) -> object:
    """Make calls with a fixed number in flight; with `parse`, parse each response as that of a search."""
    parser = SearchByKeywordResponse.FromString if parse else bytes
    call = _build_call(address, method, request, identity, parser=parser)
    return await load_generator.closed_loop(call, in_flight=in_flight, calls=calls)


async def call_each(address: str, method: str, requests: Sequence[str], in_flight: int) -> object:
    """Send each request once, with a fixed number in flight."""
    calls = iter([_build_call(address, method, request) for request in requests])

    async def call_next() -> int:
        return await next(calls)()

    return await load_generator.closed_loop(call_next, in_flight=in_flight, calls=len(requests))


async def constant_rate(
    address: str,
    method: str,
    request: str,
    identity: str,
    calls_per_s: float,
    calls: int,
    max_in_flight: int,
    deadline_s: float,
) -> object:
    """Start calls at a constant rate, with a maximum in flight."""
    call = _build_call(address, method, request, identity, deadline_s)
    return await load_generator.constant_rate(
        call, calls_per_s=calls_per_s, calls=calls, max_in_flight=max_in_flight
    )


def _build_call(
    address: str,
    method: str,
    request: str,
    identity: str = "",
    deadline_s: float = DEADLINE_S,
    parser: Callable[[bytes], object] = bytes,
) -> load_generator.Call:
    encoded, methods, metadata = b64decode(request), cycle(_methods(address, method)), _metadata(identity)

    async def call() -> int:
        try:
            response = await next(methods)(encoded, timeout=deadline_s, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise load_generator.CallFailed(error.code().name) from None
        parser(response)
        return len(response)

    return call


def _metadata(identity: str) -> tuple[tuple[str, str], ...]:
    return (("x-forwarded-client-cert", f"URI={identity}"),) if identity else ()


def _methods(address: str, method: str) -> list[Method]:
    """Return the method on each channel, without serializers, to keep the client cheap."""
    if address not in _channels:
        _channels[address] = [grpc.aio.insecure_channel(address, OWN_CONNECTION) for _ in range(CHANNELS)]
    callables: list[Any] = [channel.unary_unary(method) for channel in _channels[address]]
    return callables


async def main() -> None:
    """Run commands until stdin ends."""
    await run_commands(
        {
            "call_once": call_once,
            "closed_loop": closed_loop,
            "call_each": call_each,
            "constant_rate": constant_rate,
        }
    )
    await asyncio.gather(*(channel.close() for channels in _channels.values() for channel in channels))


if __name__ == "__main__":
    uvloop.run(main())
