"""What the tests of this storage put in, and how they wait."""

import asyncio
from collections.abc import Callable

from services.store import IncomingMessage, NewDelivery, SubscriptionName

NOW_MS = 1_790_000_000_000
NAME = SubscriptionName(caller="shop", name="orders")


def message(
    number: int, *, order: str | None = None, topic: str = "PAY", event_time_ms: int | None = None
) -> IncomingMessage:
    return IncomingMessage(
        message_id=f"m{number}",
        topic=topic,
        ordering_key=order,
        event_time_ms=NOW_MS + number if event_time_ms is None else event_time_ms,
        member_id="b2b-1",
        raw=b'{"msgId":%d}' % number,
    )


def order(number: int, *, key: str = "", **fields: object) -> NewDelivery:
    values = {
        "caller": "shop",
        "request_id": f"r{number}",
        "content_hash": b"hash%d" % number,
        "rpc": "SyncOrder",
        "payload": b"%d" % number,
        "ordering_key": key or f"k{number}",
    }
    return NewDelivery(**values | fields)


async def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
