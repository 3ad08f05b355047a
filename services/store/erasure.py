"""Erases a buyer's data."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Delete, Row, Select, Table, Update, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import (
    deliveries,
    delivery_heads,
    full_order_syncs,
    full_orders,
    message_heads,
    messages,
    subscription_messages,
)
from services.store.database.store import Store
from services.store.full_orders import FullOrderKind
from services.store.inbox.message import delete_messages, in_batches
from services.store.outbox.delivery import OrderId, OrderIdKind, State, parse_order_ids

TABLES_WITH_BUYERS_DATA = tuple(
    table.name
    for table in (
        deliveries,
        delivery_heads,
        full_orders,
        full_order_syncs,
        messages,
        message_heads,
        subscription_messages,
    )
)
"""Their files are rewritten after an erasure: free space in them can have copies of erased rows."""
BATCH_SIZE = 1000
"""Rows that one transaction reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """The number of erased rows."""

    full_orders: int
    """Orders and logistics orders."""
    deliveries: int
    messages: int
    """Messages about the 1688 member with this id. 0 for a buyer: messages do not contain buyers' ids."""
    pending_deliveries: int
    """Not erased, because they are still to be sent. Cancel them or wait for their end, and erase again."""


async def erase(store: Store, member_id: str, order_ids: Iterable[OrderId] = ()) -> ErasureReport:
    """Erase the rows with a buyer's data. `member_id` is the buyer's id in the syncs (`out_member_id`).

    `order_ids` are orders of the buyer that the store may not know. Rows without these ids are found by
    the ids of the buyer's orders: their sub-orders and logistics orders. A delivery of relations is erased
    if one of its orders is the buyer's. Idempotency keys contain no buyer's data, only ids, a hash and the
    response. The identities of erased messages stay: they are hashes of 1688's message ids. The files still
    have the content until `Store.scrub`, and backups are not changed.

    If deliveries are pending, or the process ends before all is erased, another erasure continues. It finds
    what is left by the buyer's id: the orders by which it was found may be gone.
    """
    ids = set(order_ids)
    ids |= await _list_full_order_ids(store, full_orders.c.member_id == member_id)
    async for row in _scan_deliveries(store):
        row_ids = parse_order_ids(row.order_ids)
        if row.member_id == member_id and len(_list_orders(row_ids)) == 1:
            ids |= row_ids
    orders = _list_orders(ids)
    for batch in in_batches(_list_values(ids, OrderIdKind.ORDER)):
        ids |= await _list_full_order_ids(store, full_orders.c.national_order_id.in_(batch))
    async for row in _scan_deliveries(store):
        row_ids = parse_order_ids(row.order_ids)
        row_orders = _list_orders(row_ids)
        if len(row_orders) == 1 and row_orders <= orders:  # relations can be of several buyers' orders
            ids |= row_ids
    found = [
        row.seq
        async for row in _scan_deliveries(store)
        if row.member_id == member_id or ids & parse_order_ids(row.order_ids)
    ]
    await _record_member_id(store, member_id, found)
    erased_orders, erased_messages = await _erase_full_orders_and_messages(store, member_id, ids)
    erased_deliveries, pending = await _erase_deliveries(store, found)
    return ErasureReport(
        full_orders=erased_orders,
        deliveries=erased_deliveries,
        messages=erased_messages,
        pending_deliveries=pending,
    )


async def _scan_deliveries(store: Store) -> "AsyncIterator[Row[Any]]":
    """Yield the ids of all deliveries, in short transactions."""
    columns = (deliveries.c.seq, deliveries.c.member_id, deliveries.c.order_ids)
    statement = select(*columns).order_by(deliveries.c.seq).limit(BATCH_SIZE)
    after_seq = 0
    while True:
        rows = await store.read(partial(_fetch_all, statement.where(deliveries.c.seq > after_seq)))
        for row in rows:
            yield row
        if len(rows) < BATCH_SIZE:
            return
        after_seq = rows[-1].seq


async def _fetch_all(statement: Select[Any], connection: AsyncConnection) -> "Sequence[Row[Any]]":
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def _list_full_order_ids(store: Store, condition: ColumnElement[bool]) -> set[OrderId]:
    """Return the ids of the full orders that meet a condition."""
    statement = select(full_orders.c.kind, full_orders.c.id).where(condition)
    rows = await store.read(lambda connection: connection.execute(statement))
    return {(OrderIdKind(row.kind), row.id) for row in rows}


async def _record_member_id(store: Store, member_id: str, seqs: Sequence[int]) -> None:
    """Store the buyer's id in deliveries that have none."""
    for batch in in_batches(seqs):
        has_none = deliveries.c.seq.in_(batch) & deliveries.c.member_id.is_(None)
        await store.write(partial(_execute, update(deliveries).where(has_none).values(member_id=member_id)))


async def _execute(statement: Update, connection: AsyncConnection) -> None:
    await connection.execute(statement)


async def _erase_full_orders_and_messages(
    store: Store, member_id: str, ids: Collection[OrderId]
) -> tuple[int, int]:
    """Return how many full orders and messages were erased."""
    order_ids = _list_values(ids, OrderIdKind.ORDER)
    of_orders = [full_orders.c.national_order_id.in_(batch) for batch in in_batches(order_ids)]
    statements = [delete(full_orders).where(full_orders.c.member_id == member_id)]
    statements += [delete(full_orders).where(condition) for condition in of_orders]
    for kind in FullOrderKind:
        for batch in in_batches(_list_values(ids, OrderIdKind(kind))):
            statements += [_delete_by_id(full_orders, kind, batch)]
            # Of processes that died. A sync that is in flight deletes its row itself.
            ended = full_order_syncs.c.expire_time_ms <= store.clock()
            statements += [_delete_by_id(full_order_syncs, kind, batch).where(ended)]

    async def work(connection: AsyncConnection) -> tuple[int, int]:
        erased = 0
        for statement in statements:
            count = (await connection.execute(statement)).rowcount
            erased += count if statement.table is full_orders else 0
        return erased, await delete_messages(connection, messages.c.member_id == member_id)

    return await store.write(work)


async def _erase_deliveries(store: Store, seqs: Sequence[int]) -> tuple[int, int]:
    """Delete finished deliveries. Return their number, and how many are kept because they are pending."""
    erased = pending = 0
    for batch in in_batches(seqs):
        is_found = deliveries.c.seq.in_(batch)
        erase_finished = delete(deliveries).where(is_found, deliveries.c.state != State.PENDING)
        count_rest = select(func.count()).select_from(deliveries).where(is_found)
        counts = await store.write(partial(_delete_and_count, erase_finished, count_rest))
        erased, pending = erased + counts[0], pending + counts[1]
    return erased, pending


async def _delete_and_count(
    statement: Delete, count: Select[int], connection: AsyncConnection
) -> tuple[int, int]:
    deleted = (await connection.execute(statement)).rowcount
    rest: int = (await connection.execute(count)).scalar_one()
    return deleted, rest


def _delete_by_id(table: Table, kind: FullOrderKind, ids: Sequence[str]) -> Delete:
    return delete(table).where(table.c.kind == kind, table.c.id.in_(ids))


def _list_orders(ids: Iterable[OrderId]) -> set[OrderId]:
    return {each for each in ids if each[0] is OrderIdKind.ORDER}


def _list_values(ids: Iterable[OrderId], kind: OrderIdKind) -> list[str]:
    return sorted(value for each, value in ids if each is kind)
