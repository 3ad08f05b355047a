"""Builds what the tests store, and waits for conditions."""

import asyncio
import uuid
from collections.abc import Callable, Mapping

from services.store import (
    UNLIMITED,
    BegunSync,
    FullOrder,
    FullOrderKey,
    FullOrderKind,
    IncomingMessage,
    NewDelivery,
    Storage,
    SubscriptionName,
    require_full_order,
)

NOW_MS = 1_790_000_000_000
CAPACITIES = {"SyncOrder": lambda: UNLIMITED}
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


async def store_full_order(storage: Storage, order: FullOrder) -> None:
    """Store a full order, as a sync that 1688 accepted."""
    begun = await storage.full_orders.begin(order.key, uuid.uuid4().hex, lease_s=30)
    assert isinstance(begun, BegunSync)
    assert await storage.full_orders.finish(begun, order)


async def read_full_order(storage: Storage, key: FullOrderKey) -> FullOrder:
    """Return a stored full order. Raises NoFullSync."""
    found = await storage.full_orders.begin(key, "", lease_s=0, take=False)
    return require_full_order(found.stored.order, key)


def build_request_fields(**fields: object) -> dict[str, object]:
    """Return the fields of a request with a request id."""
    return {"caller": "shop", "rpc": "Sync", "request_id": "r1", "content_hash": b"h1"} | fields


async def wait_until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


async def sweep(storage: Storage) -> Mapping[str, int]:
    """Delete expired rows, after the sweep that the storage began when it opened.

    That one has to be over before the clock advances, or it deletes the rows itself. While it has the lease,
    another one returns nothing.
    """
    async with asyncio.timeout(10):
        while not (deleted := await storage.retention.sweep()):
            await asyncio.sleep(0.005)
    return deleted
