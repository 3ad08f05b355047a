"""`make bench-store`: what the durable store takes in, hands out and relays per second, on both engines.

Everything runs on this machine, client and PostgreSQL together; every write is synced to disk. PostgreSQL is
left out, and that is said, where Debian's package is missing.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from services.store import (
    Delivered,
    Delivery,
    IncomingMessage,
    NewDelivery,
    RelayLimits,
    Storage,
    StorageConfig,
    SubscriptionName,
    migrate,
    storage_lifespan,
)
from tests.support.postgres import PostgresNotInstalled, postgres_server

COUNT = 3000
NAME = SubscriptionName(caller="", name="measured")
RAW = b'{"msgId":68891003,"data":{"orderId":1479266113491823456}}' * 5


def main() -> None:
    """Print the figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory(dir=".") as directory:  # on the disk, not in a temporary file system
        run("sqlite", f"sqlite+aiosqlite:///{directory}/store.db")
    try:
        with postgres_server() as server:
            migrate(server.url())
            run("postgresql", server.url())
    except PostgresNotInstalled as problem:
        print(problem)


def run(engine: str, url: str) -> None:
    """Measure one engine."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measured(engine, url))


async def measured(engine: str, url: str) -> None:
    """Take in, hand out, enqueue and relay."""
    async with storage_lifespan(url, StorageConfig(relay=RelayLimits(in_flight=32))) as room:
        await room.subscriptions.use(NAME)
        for together in (1, 32):
            first = 0 if together == 1 else COUNT
            count = COUNT // 10 if together == 1 else COUNT
            await timed(engine, f"stored, {together:2} at once", count, together, storing(room, first))
        await handing_out(engine, room, COUNT + COUNT // 10)
        await timed(engine, "enqueued, 32 at once", COUNT, 32, enqueuing(room))
        await relaying(engine, room)


Numbered = Callable[[int], Awaitable[object]]


def storing(room: Storage, first: int) -> Numbered:
    """Return what stores one message."""

    def store(number: int) -> Awaitable[object]:
        one = IncomingMessage(
            message_id=str(first + number),
            topic="ORDER_BUYER_VIEW_ORDER_PAY",
            order_key=str((first + number) // 5),
            born_ms=first + number,
            member_id="b2b-1",
            raw=RAW,
        )
        return room.inbox.store([one])

    return store


def enqueuing(room: Storage) -> Numbered:
    """Return what enqueues one delivery."""

    def enqueue(number: int) -> Awaitable[object]:
        return room.deliveries.enqueue(
            NewDelivery(
                caller="",
                request_id=str(number),
                content_hash=b"h" * 32,
                rpc="SyncOrder",
                payload=RAW,
                ordering_key=str(number // 3),
            )
        )

    return enqueue


async def timed(engine: str, what: str, count: int, together: int, work: Numbered) -> None:
    """Do something many times, a number at once."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(together)))
    tell(engine, what, count, started)


async def handing_out(engine: str, room: Storage, count: int) -> None:
    """Lease and acknowledge, with four consumers of up to 100 messages each."""
    left = count

    async def consume() -> None:
        nonlocal left
        while left > 0:
            leased = await room.handout.lease(NAME, most=100, lease_s=60, wait_s=1)
            acked = await room.handout.ack(NAME, [one.message_id for one in leased])
            left -= acked

    started = time.perf_counter()
    await asyncio.gather(*(consume() for _ in range(4)))
    tell(engine, "handed out and acked", count, started)


async def relaying(engine: str, room: Storage) -> None:
    """Relay to something that accepts at once."""
    done, sent = asyncio.Event(), 0

    async def send(_delivery: Delivery) -> Delivered:
        nonlocal sent
        sent += 1
        if sent == COUNT:
            done.set()
        return Delivered()

    started = time.perf_counter()
    async with room.relay(send).running():
        await done.wait()
    tell(engine, "relayed", COUNT, started)


def tell(engine: str, what: str, count: int, started: float) -> None:
    """Print a rate."""
    print(f"{engine:10}  {what:22} {count / (time.perf_counter() - started):8.0f} /s", flush=True)


if __name__ == "__main__":
    main()
