"""Builds what the tests store, and waits for conditions."""

import asyncio
from collections.abc import Callable

from services.store import FullOrder, FullOrderKind, IncomingMessage, NewDelivery, SubscriptionName

NOW_MS = 1_790_000_000_000
NAME = SubscriptionName(caller="shop", name="orders")


def build_message(
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


def build_delivery(number: int, *, key: str = "", **fields: object) -> NewDelivery:
    defaults = {
        "caller": "shop",
        "request_id": f"r{number}",
        "content_hash": b"hash%d" % number,
        "rpc": "SyncOrder",
        "payload": b"%d" % number,
        "ordering_key": key or f"k{number}",
    }
    return NewDelivery(**defaults | fields)


def build_full_order(
    number: int,
    *,
    kind: FullOrderKind = FullOrderKind.ORDER,
    member: str | None = None,
    national_order_id: str = "",
    payload: bytes = b"full",
) -> FullOrder:
    own_id = f"id{number}"
    return FullOrder(
        kind=kind, id=own_id, national_order_id=national_order_id or own_id, member_id=member, payload=payload
    )


def build_request_fields(**fields: object) -> dict[str, object]:
    """Return the fields of a request with a request id."""
    return {"caller": "shop", "rpc": "Sync", "request_id": "r1", "content_hash": b"h1"} | fields


async def wait_until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
