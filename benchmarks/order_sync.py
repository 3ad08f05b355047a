"""`make bench-order-sync`: throughput of a running OrderSyncService: callbacks, message streams, deliveries.

One replica with default settings and an empty store on each engine; writes are synced to disk. Callers, the
sandbox and PostgreSQL share the machine, so the CPU time of the service itself is printed too.
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
from typing import Any

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from benchmarks.process_stats import cpu_s
from services.store import migrate
from tests.support.consumers import FROM_START
from tests.support.enqueue_client import EnqueueClient, build_status_sync
from tests.support.postgres import find_binaries, postgres_server
from tests.support.push_client import PushClient
from tests.support.replica import Replica, new_replica
from tools.local_stack import start_sandbox, stop
from tools.usage import build_parser

CALLBACKS = 5_000
CONCURRENT_PUSHES = 50
DELIVERIES = 2_000
ORDERING_KEYS = 200
STREAMS = {"one by one": (100, 1), "by fifty": (1_000, 50)}
"""How the consumer of a subscription acknowledges -> outstanding messages, messages per acknowledgement."""
WARM_UP_MESSAGES = 200


def main() -> None:
    """Measure both engines."""
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {_postgres_version()}; disk of {tempfile.gettempdir()}"
    )
    print(
        f"{CALLBACKS} callbacks, {CONCURRENT_PUSHES} concurrent; {len(STREAMS)} subscriptions, "
        f"one stream each; {DELIVERIES} deliveries of {ORDERING_KEYS} ordering keys"
    )
    with tempfile.TemporaryDirectory() as directory:
        measure("sqlite", f"sqlite+aiosqlite:///{Path(directory)}/store.db")
    with postgres_server() as server:
        migrate(server.url())
        measure("postgresql", server.url())


def measure(engine: str, url: str) -> None:
    """Measure one engine."""
    sandbox = start_sandbox(log="bench-sandbox")
    no_replay = {"NATIONALSITE_REPLAY_SECONDS": "0"}
    service = new_replica(f"bench-{engine}", sandbox.address, url, no_replay).start()
    try:
        asyncio.run(_measure(engine, service))
    finally:
        service.stop()
        stop(sandbox)


async def _measure(engine: str, service: Replica) -> None:
    async with (
        PushClient([service.callback], max_connections=CONCURRENT_PUSHES, keep_alive=True) as push_client,
        EnqueueClient([service.grpc]) as enqueue_client,
        grpc.aio.insecure_channel(service.grpc) as channel,
    ):
        stub = OrderSyncServiceStub(channel)
        # Subscriptions are created before the messages, so that each receives all of them.
        for name in STREAMS:
            await stub.PullMessages(_pull(name), timeout=10)
        await asyncio.gather(
            *(push_client.push_until_accepted(-1 - number) for number in range(WARM_UP_MESSAGES))
        )

        async def push() -> None:
            await asyncio.gather(*(push_client.push_until_accepted(number) for number in range(CALLBACKS)))

        async def enqueue() -> None:
            async def enqueue_key(key: int) -> None:
                for number in range(DELIVERIES // ORDERING_KEYS):
                    await enqueue_client.enqueue(build_status_sync(key, number))

            await asyncio.gather(*(enqueue_key(key) for key in range(1, ORDERING_KEYS + 1)))

        async def send() -> None:
            await enqueue()
            while await enqueue_client.count_pending():  # noqa: ASYNC110 # another process sends them
                await asyncio.sleep(0.05)

        await _print_rate(engine, "callbacks stored", CALLBACKS, push, service)
        for name, (max_outstanding, batch_size) in STREAMS.items():
            stream = partial(_stream, stub, name, max_outstanding, batch_size)
            title = f"streamed, acknowledged {name}, {max_outstanding} outstanding"
            await _print_rate(engine, title, CALLBACKS + WARM_UP_MESSAGES, stream, service)
        await _print_rate(engine, "deliveries enqueued and sent", DELIVERIES, send, service)


async def _stream(
    stub: Any,  # OrderSyncServiceStub, whose types are those of synchronous calls
    name: str,
    max_outstanding: int,
    batch_size: int,
) -> None:
    call = stub.StreamMessages()
    open_request = protos.StreamMessagesRequest.Open(
        subscription=_id(name), max_outstanding=max_outstanding, lease=Duration(seconds=600)
    )
    await call.write(protos.StreamMessagesRequest(open=open_request))
    unacknowledged: list[str] = []
    unread = CALLBACKS + WARM_UP_MESSAGES
    while unread:
        received = (await call.read()).delivered.received_messages
        unread -= len(received)
        unacknowledged += [each.ack_id for each in received]
        while len(unacknowledged) >= batch_size:
            ack = protos.StreamMessagesRequest.Ack(ack_ids=unacknowledged[:batch_size])
            await call.write(protos.StreamMessagesRequest(ack=ack))
            unacknowledged = unacknowledged[batch_size:]
    await call.done_writing()
    while await call.read() is not grpc.aio.EOF:
        pass


def _pull(name: str) -> protos.PullMessagesRequest:
    return protos.PullMessagesRequest(
        subscription=_id(name), create_if_missing=FROM_START, wait=Duration(seconds=0)
    )


def _id(name: str) -> str:
    return name.replace(" ", "-")


async def _print_rate(
    engine: str, title: str, count: int, work: Callable[[], Awaitable[None]], service: Replica
) -> None:
    assert service.running is not None  # noqa: S101 # it was started
    cpu_before_s, started = cpu_s(service.running.process.pid), time.perf_counter()
    await work()
    wall_s = time.perf_counter() - started
    used_s = cpu_s(service.running.process.pid) - cpu_before_s
    print(
        f"{engine:10}  {title:52} {count / wall_s:6.0f}/s  "
        f"({count} in {wall_s:.1f} s; the service used {used_s / count * 1e6:.0f} us of CPU per item)",
        flush=True,
    )


def _postgres_version() -> str:
    process = subprocess.run(  # noqa: S603 # PostgreSQL's own binary
        [find_binaries() / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return process.stdout.strip()


if __name__ == "__main__":
    build_parser("python -m benchmarks.order_sync", __doc__, "make bench-order-sync").parse_args()
    main()
