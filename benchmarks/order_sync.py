"""`make bench-order-sync`: what a running OrderSyncService stores, sends and hands out per second.

One replica with its own times and limits, on each engine, each with an empty store that syncs to disk.
Callers, 1688 (the sandbox) and PostgreSQL share this machine with it: the CPU that the service itself used is
told beside.
"""

import asyncio
import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from benchmarks.process_stats import cpu_s
from services.store import migrate
from tests.durability.consuming import FROM_THE_BEGINNING
from tests.durability.enqueuing import Shop, status_sync
from tests.durability.pushing import Platform
from tests.durability.replicas import Replica, replica
from tests.support.postgres import find_binaries, postgres_server
from tools.local_stack import start_sandbox, stop

CALLBACKS = 5_000
PUSHES_AT_ONCE = 50
DELIVERIES = 2_000
KEYS = 200
STREAMS = {"one by one": (100, 1), "in fifties": (1_000, 50)}
"""How a consumer acknowledges, on a subscription each -> messages outstanding, messages of one ack."""
WARM_UP = 200


def main() -> None:
    """Print the figures."""
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {_version()}; disk of {tempfile.gettempdir()}"
    )
    print(
        f"{CALLBACKS} callbacks, {PUSHES_AT_ONCE} at once, due to {len(STREAMS)} subscriptions; "
        f"one stream of each; {DELIVERIES} deliveries of {KEYS} keys"
    )
    with tempfile.TemporaryDirectory() as directory:
        measure("sqlite", f"sqlite+aiosqlite:///{Path(directory)}/store.db")
    with postgres_server() as server:
        migrate(server.url())
        measure("postgresql", server.url())


def measure(engine: str, url: str) -> None:
    """Measure one engine."""
    sandbox = start_sandbox(log="bench-sandbox")
    quiet = {"NATIONALSITE_REPLAY_SECONDS": "0"}
    service = replica(f"bench-{engine}", sandbox.address, url, quiet, module="services.order_sync").start()
    try:
        asyncio.run(_measure(engine, service))
    finally:
        service.stop()
        stop(sandbox)


async def _measure(engine: str, service: Replica) -> None:
    async with (
        Platform([service.callback], at_once=PUSHES_AT_ONCE, keep_alive=True) as platform_,
        Shop([service.grpc]) as shop,
        grpc.aio.insecure_channel(service.grpc) as channel,
    ):
        stub = OrderSyncServiceStub(channel)
        # The subscriptions are there before their messages are.
        for name in STREAMS:
            await stub.PullMessages(_pull(name), timeout=10)
        await asyncio.gather(*(platform_.push_until_taken(-1 - number) for number in range(WARM_UP)))

        async def push() -> None:
            await asyncio.gather(*(platform_.push_until_taken(number) for number in range(CALLBACKS)))

        async def enqueue() -> None:
            async def one_key(key: int) -> None:
                for number in range(DELIVERIES // KEYS):
                    await shop.enqueue(status_sync(key, number))

            await asyncio.gather(*(one_key(key) for key in range(1, KEYS + 1)))

        async def send() -> None:
            await enqueue()
            while await shop.pending():  # noqa: ASYNC110 # it is another process that sends
                await asyncio.sleep(0.05)

        await _timed(engine, "callbacks stored", CALLBACKS, push, service)
        for name, (outstanding, together) in STREAMS.items():
            streamed = partial(_stream, stub, name, outstanding, together)
            what = f"streamed, acknowledged {name}, {outstanding} outstanding"
            await _timed(engine, what, CALLBACKS + WARM_UP, streamed, service)
        await _timed(engine, "deliveries enqueued and sent", DELIVERIES, send, service)


async def _stream(stub: OrderSyncServiceStub, name: str, outstanding: int, together: int) -> None:
    call = stub.StreamMessages()
    opening = protos.StreamMessagesRequest.Open(
        subscription=_id(name), max_outstanding=outstanding, lease=Duration(seconds=600)
    )
    await call.write(protos.StreamMessagesRequest(open=opening))
    taken: list[str] = []
    for _ in range(CALLBACKS + WARM_UP):
        taken.append((await call.read()).message.message_id)
        if len(taken) == together:
            await call.write(
                protos.StreamMessagesRequest(ack=protos.StreamMessagesRequest.Ack(message_ids=taken))
            )
            taken = []
    await call.done_writing()
    while await call.read() is not grpc.aio.EOF:
        pass


def _pull(name: str) -> protos.PullMessagesRequest:
    return protos.PullMessagesRequest(
        subscription=_id(name), start_time=FROM_THE_BEGINNING, wait=Duration(seconds=0)
    )


def _id(name: str) -> str:
    return name.replace(" ", "-")


async def _timed(
    engine: str, what: str, count: int, work: Callable[[], Awaitable[None]], service: Replica
) -> None:
    assert service.running is not None  # noqa: S101 # it was started
    cpu, began = cpu_s(service.running.process.pid), time.perf_counter()
    await work()
    wall_s, cpu = time.perf_counter() - began, cpu_s(service.running.process.pid) - cpu
    print(
        f"{engine:10}  {what:52} {count / wall_s:6.0f}/s  "
        f"({count} in {wall_s:.1f} s; the service used {cpu / count * 1e6:.0f} us of CPU for each)",
        flush=True,
    )


def _version() -> str:
    told = subprocess.run(  # noqa: S603 # Debian's own binary
        [find_binaries() / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


if __name__ == "__main__":
    main()
