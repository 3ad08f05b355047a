"""Who calls: a gRPC client that looks at the status and the size of every answer, and reads none itself."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from typing import Any

import grpc.aio
import uvloop
from nationalsite.product.v1 import SearchByKeywordResponse

from benchmarks.peers import load
from benchmarks.peers.worker import obey

DEADLINE_S = 30
CHANNELS = 4
"""To a server, each with a connection of its own: one carries at most 1,000 calls at once."""
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1))

_channels: dict[str, list[grpc.aio.Channel]] = {}
Method = Callable[..., Awaitable[bytes]]


async def one(address: str, method: str, request: str, identity: str) -> str:
    """Make one call; return its answer."""
    told, metadata = b64decode(request), _metadata(identity)
    return b64encode(await _methods(address, method)[0](told, timeout=DEADLINE_S, metadata=metadata)).decode()


async def closed(
    address: str, method: str, request: str, identity: str, in_flight: int, calls: int, read: bool
) -> object:
    """Call with a fixed number in flight; with `read`, make a message of each answer to a search."""
    reading = SearchByKeywordResponse.FromString if read else bytes
    call = _call(address, method, request, identity, reading=reading)
    return await load.closed(call, in_flight=in_flight, calls=calls)


async def each(address: str, method: str, requests: Sequence[str], in_flight: int) -> object:
    """Make each of these calls once, a number of them in flight."""
    calls = iter([_call(address, method, request) for request in requests])

    async def next_one() -> int:
        return await next(calls)()

    return await load.closed(next_one, in_flight=in_flight, calls=len(requests))


async def paced(
    address: str,
    method: str,
    request: str,
    identity: str,
    per_s: float,
    calls: int,
    most: int,
    deadline_s: float,
) -> object:
    """Call at even intervals, with at most so many in flight."""
    call = _call(address, method, request, identity, deadline_s)
    return await load.paced(call, per_s=per_s, calls=calls, most=most)


def _call(
    address: str,
    method: str,
    request: str,
    identity: str = "",
    deadline_s: float = DEADLINE_S,
    reading: Callable[[bytes], object] = bytes,
) -> load.Call:
    told, methods, metadata = b64decode(request), cycle(_methods(address, method)), _metadata(identity)

    async def call() -> int:
        try:
            answer = await next(methods)(told, timeout=deadline_s, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise load.Failed(error.code().name) from None
        reading(answer)
        return len(answer)

    return call


def _metadata(identity: str) -> tuple[tuple[str, str], ...]:
    return (("x-forwarded-client-cert", f"URI={identity}"),) if identity else ()


def _methods(address: str, method: str) -> list[Method]:
    """Return the method on each channel; messages are bytes, so that the caller costs little."""
    if address not in _channels:
        _channels[address] = [grpc.aio.insecure_channel(address, OWN_CONNECTION) for _ in range(CHANNELS)]
    callables: list[Any] = [channel.unary_unary(method) for channel in _channels[address]]
    return callables


async def main() -> None:
    """Obey until there are no more commands."""
    await obey({"one": one, "closed": closed, "each": each, "paced": paced})
    await asyncio.gather(*(channel.close() for channels in _channels.values() for channel in channels))


if __name__ == "__main__":
    uvloop.run(main())
