"""The last full order and logistics order that was synced, by id: a status may have to be sent with them."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects import sqlite as lite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import NoFullSync
from services.store.database.schema import full_orders
from services.store.store import Store


class Kind(StrEnum):
    """What is kept."""

    ORDER = "order"
    """By its order id."""
    LOGISTICS_ORDER = "logistics_order"
    """By its logistics id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullOrder:
    """What was synced last."""

    kind: Kind
    id: str
    order_id: str
    """The order that it is, or belongs to."""
    member_id: str | None
    """The buyer, where it says so: what an erasure finds it by."""
    payload: bytes
    """Serialized."""


class FullOrders:
    """Kept for as long as the retention says."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, order: FullOrder) -> None:
        """Keep an order in place of the one with the same kind and id."""
        values = {
            "order_id": order.order_id,
            "member_id": order.member_id,
            "payload": order.payload,
            "stored_ms": self._store.clock(),
        }

        async def work(connection: AsyncConnection) -> None:
            upsert = pg.insert if connection.dialect.name == "postgresql" else lite.insert
            statement = upsert(full_orders).values(kind=order.kind, id=order.id, **values)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["kind", "id"], set_=values)
            )

        await self._store.write(work)

    async def get(self, kind: Kind, order_id: str) -> FullOrder:
        """Return the last one that was put. Raises NoFullSync."""
        statement = select(full_orders).where(full_orders.c.kind == kind, full_orders.c.id == order_id)
        row = (await self._store.read(lambda connection: connection.execute(statement))).one_or_none()
        if row is None:
            raise NoFullSync("no full sync of this order is stored, and its status can only be sent with one")
        return FullOrder(
            kind=Kind(row.kind),
            id=row.id,
            order_id=row.order_id,
            member_id=row.member_id,
            payload=row.payload,
        )
