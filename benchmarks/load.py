"""Calls of a gRPC server with a fixed number in flight. A call that does not end with OK ends the benchmark.

Requests and answers stay bytes, so that the generator costs as little as it can; one answer is looked at
before.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import grpc.aio

DEADLINE_S = 30
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),  # a connection for each channel
]
ON_A_CONNECTION = 250
"""Calls in flight on one connection at most: many callers stand behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One RPC of one server, called again and again."""

    address: str
    rpc: str
    request: bytes
    check: Callable[[bytes], bool] = field(default=bool)
    """Whether an answer is the right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What some calls took."""

    wall_s: float
    times_s: list[float]


async def run(load: Load, in_flight: int, calls: int, *, over_s: float = 0) -> Took:
    """Make calls; the first ones in flight begin spread evenly over a time."""
    async with AsyncExitStack() as stack:
        calling = []
        for _ in range(-(-in_flight // ON_A_CONNECTION)):
            channel = grpc.aio.insecure_channel(load.address, options=OPTIONS)
            await stack.enter_async_context(channel)
            calling.append(channel.unary_unary(f"/{load.rpc}"))
            if not load.check(await calling[-1](load.request, timeout=DEADLINE_S)):
                raise RuntimeError(f"{load.rpc} answers something else than it should")
        times: list[float] = []

        async def worker(number: int) -> None:
            call = calling[number % len(calling)]
            await asyncio.sleep(over_s * number / in_flight)
            for _ in range(calls // in_flight):
                began = time.perf_counter()
                await call(load.request, timeout=DEADLINE_S)
                times.append(time.perf_counter() - began)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(in_flight):
                group.create_task(worker(number))
        return Took(wall_s=time.perf_counter() - began, times_s=times)
