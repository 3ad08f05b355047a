"""Erases what is stored of a buyer."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Delete, Table, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import deliveries, full_orders, messages
from services.store.outbox.deliveries import State
from services.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """How many rows went."""

    full_orders: int
    """Orders and logistics orders."""
    deliveries: int
    messages: int
    """1688's messages about a 1688 member of this id: the buyers of a national site have none."""
    pending_deliveries: int
    """Left, since they were accepted: erase again when they are finished, or cancel them first."""


async def erase(store: Store, member_id: str) -> ErasureReport:
    """Erase what is stored of a buyer, by the id that the syncs carry (`out_member_id`).

    Logistics orders and deliveries that name no buyer are found through the orders that do. Request ids hold
    no buyer's data: a hash, and the response. On SQLite what was erased is overwritten, in the journal too;
    PostgreSQL keeps it until its next vacuum. Neither reaches into backups.
    """

    async def work(connection: AsyncConnection) -> ErasureReport:
        orders = select(full_orders.c.order_id).where(full_orders.c.member_id == member_id)
        delivered = select(deliveries.c.order_id).where(
            deliveries.c.member_id == member_id, deliveries.c.order_id.is_not(None)
        )
        order_ids = list((await connection.execute(orders.union(delivered))).scalars())

        def theirs(table: Table) -> ColumnElement[bool]:
            return or_(table.c.member_id == member_id, table.c.order_id.in_(order_ids))

        async def gone(statement: Delete) -> int:
            return (await connection.execute(statement)).rowcount

        pending = deliveries.c.state == State.PENDING
        left = select(func.count()).select_from(deliveries).where(theirs(deliveries), pending)
        return ErasureReport(
            full_orders=await gone(delete(full_orders).where(theirs(full_orders))),
            deliveries=await gone(delete(deliveries).where(theirs(deliveries), ~pending)),
            messages=await gone(delete(messages).where(messages.c.member_id == member_id)),
            pending_deliveries=(await connection.execute(left)).scalar_one(),
        )

    erased = await store.write(work)
    await store.scrub()
    return erased
