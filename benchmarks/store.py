"""`make bench-store`: throughput of the store on both engines: storing, dispatching, enqueueing, relaying.

Client and database share the machine; every write is synced to disk. PostgreSQL is skipped if it is missing.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from services.store import (
    UNLIMITED,
    DeliveredOutcome,
    Delivery,
    IncomingMessage,
    NewDelivery,
    RelayConfig,
    Storage,
    StorageConfig,
    SubscriptionName,
    SubscriptionSpec,
    migrate,
    storage_lifespan,
)
from tests.support.postgres import PostgresNotInstalled, postgres_server
from tools.usage import build_parser

COUNT = 3000
SUBSCRIPTION = SubscriptionName(caller="", name="benchmark")
PAYLOAD = b'{"msgId":68891003,"data":{"orderId":1479266113491823456}}' * 5
CONCURRENCY = 32
CONSUMERS = 4


def main() -> None:
    """Measure both engines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory(dir=".") as directory:  # a disk; /tmp can be a memory file system
        measure("sqlite", f"sqlite+aiosqlite:///{directory}/store.db")
    try:
        with postgres_server() as server:
            migrate(server.url())
            measure("postgresql", server.url())
    except PostgresNotInstalled as error:
        print(error)


def measure(engine: str, url: str) -> None:
    """Measure one engine."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(engine, url))


async def _measure(engine: str, url: str) -> None:
    async with storage_lifespan(url, StorageConfig(relay=RelayConfig(max_in_flight=CONCURRENCY))) as storage:
        await storage.subscriptions.open(SUBSCRIPTION, SubscriptionSpec())

        async def store_message(number: int) -> None:
            await storage.inbox.store([_message(number)])

        async def enqueue_delivery(number: int) -> None:
            await storage.deliveries.enqueue(_delivery(number))

        sequential = COUNT // 10
        await _measure_calls(engine, "stored, 1 at a time", range(sequential), 1, store_message)
        numbers = range(sequential, sequential + COUNT)
        await _measure_calls(engine, f"stored, {CONCURRENCY} concurrent", numbers, CONCURRENCY, store_message)
        await _measure_dispatch(engine, storage, sequential + COUNT)
        name = f"enqueued, {CONCURRENCY} concurrent"
        await _measure_calls(engine, name, range(COUNT), CONCURRENCY, enqueue_delivery)
        await _measure_relay(engine, storage)


def _message(number: int) -> IncomingMessage:
    return IncomingMessage(
        message_id=str(number),
        topic="ORDER_BUYER_VIEW_ORDER_PAY",
        ordering_key=str(number // 5),
        event_time_ms=number,
        member_id="b2b-1",
        raw=PAYLOAD,
    )


def _delivery(number: int) -> NewDelivery:
    return NewDelivery(
        caller="",
        request_id=str(number),
        content_hash=b"h" * 32,
        rpc="SyncOrder",
        payload=PAYLOAD,
        ordering_key=str(number // 3),
    )


async def _measure_calls(
    engine: str, name: str, numbers: range, concurrency: int, call: Callable[[int], Awaitable[None]]
) -> None:
    """Call for each number, with a fixed concurrency."""
    remaining = iter(numbers)

    async def worker() -> None:
        for number in remaining:
            await call(number)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    _print_rate(engine, name, len(numbers), started)


async def _measure_dispatch(engine: str, storage: Storage, count: int) -> None:
    """Lease and acknowledge messages, up to 100 in one call."""
    remaining = count
    subscription_id = await storage.subscriptions.open(SUBSCRIPTION)

    async def consume() -> None:
        nonlocal remaining
        while remaining > 0:
            received = await storage.dispatcher.lease(subscription_id, limit=100, lease_s=60, wait_s=1)
            await storage.dispatcher.ack(subscription_id, [each.ack_id for each in received])
            remaining -= len(received)

    started = time.perf_counter()
    await asyncio.gather(*(consume() for _ in range(CONSUMERS)))
    _print_rate(engine, "delivered and acknowledged", count, started)


async def _measure_relay(engine: str, storage: Storage) -> None:
    """Relay the deliveries to a receiver that accepts at once."""
    finished, sent = asyncio.Event(), 0

    async def send(_delivery: Delivery) -> DeliveredOutcome:
        nonlocal sent
        sent += 1
        if sent == COUNT:
            finished.set()
        return DeliveredOutcome()

    started = time.perf_counter()
    async with storage.build_relay(send, {"SyncOrder": lambda: UNLIMITED}).lifespan():
        await finished.wait()
    _print_rate(engine, "relayed", COUNT, started)


def _print_rate(engine: str, name: str, count: int, started: float) -> None:
    print(f"{engine:10}  {name:28} {count / (time.perf_counter() - started):8.0f} /s", flush=True)


if __name__ == "__main__":
    build_parser("python -m benchmarks.store", __doc__, "make bench-store").parse_args()
    main()
