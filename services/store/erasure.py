"""Erases a buyer's data."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Delete, Table, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import deliveries, full_orders, messages
from services.store.database.store import Store
from services.store.outbox.deliveries import State


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """The number of erased rows."""

    full_orders: int
    """Orders and logistics orders."""
    deliveries: int
    messages: int
    """Messages about the 1688 member with this id; 0 for the id of a buyer of a national site."""
    pending_deliveries: int
    """Not erased, because they are still to be sent. Erase again when they are finished, or cancel them."""


async def erase(store: Store, member_id: str) -> ErasureReport:
    """Erase a buyer's data, by the id in the syncs (`out_member_id`).

    Logistics orders, and deliveries without a buyer, are found through the buyer's orders. Idempotency keys
    contain no buyer's data, only a hash and the response. SQLite overwrites the content, in the journal too.
    PostgreSQL keeps it until the next vacuum. Backups are not changed.
    """

    async def work(connection: AsyncConnection) -> ErasureReport:
        synced = select(full_orders.c.national_order_id).where(full_orders.c.member_id == member_id)
        delivered = select(deliveries.c.national_order_id).where(
            deliveries.c.member_id == member_id, deliveries.c.national_order_id.is_not(None)
        )
        national_order_ids = list((await connection.execute(synced.union(delivered))).scalars())

        def is_of_buyer(table: Table) -> ColumnElement[bool]:
            return or_(table.c.member_id == member_id, table.c.national_order_id.in_(national_order_ids))

        async def count_deleted(statement: Delete) -> int:
            return (await connection.execute(statement)).rowcount

        is_pending = deliveries.c.state == State.PENDING
        count_pending = (
            select(func.count()).select_from(deliveries).where(is_of_buyer(deliveries), is_pending)
        )
        return ErasureReport(
            full_orders=await count_deleted(delete(full_orders).where(is_of_buyer(full_orders))),
            deliveries=await count_deleted(delete(deliveries).where(is_of_buyer(deliveries), ~is_pending)),
            messages=await count_deleted(delete(messages).where(messages.c.member_id == member_id)),
            pending_deliveries=(await connection.execute(count_pending)).scalar_one(),
        )

    report = await store.write(work)
    await store.scrub()
    return report
