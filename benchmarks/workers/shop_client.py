"""1688 and a shop: pushes messages and enqueues syncs of orders at a constant rate, at replicas in turn."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Any

import aiohttp
import grpc.aio
import uvloop
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from benchmarks.shop_orders import SYNCS, build_message, build_sync, list_pushes
from benchmarks.workers.command_loop import run_commands
from benchmarks.workers.minimal_server import HEADERS
from tests.support.callbacks import build_body
from tests.support.push_client import PATH

TIMEOUT_S = 15
Send = Callable[[], Awaitable[None]]


async def main() -> None:
    """Run commands until stdin ends."""
    await run_commands({"run": run})


async def run(
    callbacks: Sequence[str],
    addresses: Sequence[str],
    first: int,
    orders: int,
    orders_per_s: float,
    step_s: float,
) -> dict[str, Any]:
    """Place orders at a constant rate, from the number `first` on, whatever the responses are.

    Return when the first one was placed, by the monotonic clock, how late each push and each enqueue began,
    how long it took from its scheduled time to its response, and the failures. Nothing is retried. A sync is
    enqueued when the one before it of the same order was.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    lateness_ms, durations_ms = list[float](), {"push": list[float](), "enqueue": list[float]()}
    failures = Counter[str]()
    tasks = set[asyncio.Task[None]]()
    order_locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        channels = [grpc.aio.insecure_channel(address) for address in addresses]
        stubs: Any = cycle([OrderSyncServiceStub(channel) for channel in channels])
        urls = cycle([f"http://{callback}{PATH}" for callback in callbacks])

        async def push(number: int, index: int) -> None:
            body = build_body(build_message(number, index, time.time()))
            async with session.post(next(urls), data=body, headers=HEADERS) as response:
                await response.read()
                if response.status != 200:
                    failures[f"push: {response.status}"] += 1

        async def enqueue(number: int, index: int) -> None:
            async with order_locks[number]:
                await next(stubs).EnqueueSync(build_sync(number, index), timeout=TIMEOUT_S)

        async def send(kind: str, scheduled_s: float, make_call: Send) -> None:
            lateness_ms.append(1000 * (time.monotonic() - scheduled_s))
            try:
                await make_call()
            except grpc.aio.AioRpcError as error:
                failures[f"{kind}: {error.code().name}"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                failures[f"{kind}: {type(error).__name__}"] += 1
            durations_ms[kind].append(1000 * (time.monotonic() - scheduled_s))

        schedule: list[tuple[float, str, Send]] = []
        for number in range(first, first + orders):
            placed_s = (number - first) / orders_per_s
            for index, message in enumerate(list_pushes(number)):
                schedule.append((placed_s + message.step * step_s, "push", partial(push, number, index)))
            for index, sync in enumerate(SYNCS):
                schedule.append((placed_s + sync.step * step_s, "enqueue", partial(enqueue, number, index)))
        schedule.sort(key=lambda event: event[0])
        started_s = time.monotonic()
        for at_s, kind, make_call in schedule:
            await asyncio.sleep(max(0.0, started_s + at_s - time.monotonic()))
            task = asyncio.create_task(send(kind, started_s + at_s, make_call))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks:
            await asyncio.wait(tasks)
        await asyncio.gather(*(channel.close() for channel in channels))
    return {"started_s": started_s, "lateness_ms": lateness_ms, "failures": failures} | durations_ms


if __name__ == "__main__":
    uvloop.run(main())
