"""The last full order and logistics order that was synced, by id. 1688 may require it with a status."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import NoFullSync
from services.store.database.schema import full_orders
from services.store.database.sql_dialect import insert_or_update
from services.store.database.store import Store


class FullOrderKind(StrEnum):
    """What a full order is."""

    ORDER = "order"
    """Its id is the order id."""
    LOGISTICS_ORDER = "logistics_order"
    """Its id is the logistics id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullOrder:
    """The last order or logistics order that was synced."""

    kind: FullOrderKind
    id: str
    national_order_id: str
    """The order that it is or belongs to."""
    member_id: str | None
    """The buyer's `out_member_id`, if it has one: for erasure."""
    payload: bytes
    """Serialized."""


class FullOrders:
    """Stores full orders until retention deletes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, order: FullOrder) -> None:
        """Store an order. Replace the one with the same kind and id."""
        values = {
            "national_order_id": order.national_order_id,
            "member_id": order.member_id,
            "payload": order.payload,
            "update_time_ms": self._store.clock(),
        }

        async def work(connection: AsyncConnection) -> None:
            statement = insert_or_update(connection, full_orders).values(
                kind=order.kind, id=order.id, **values
            )
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["kind", "id"], set_=values)
            )

        await self._store.write(work)

    async def get(self, kind: FullOrderKind, full_order_id: str) -> FullOrder:
        """Return an order. Raises NoFullSync."""
        statement = select(full_orders).where(full_orders.c.kind == kind, full_orders.c.id == full_order_id)
        row = (await self._store.read(lambda connection: connection.execute(statement))).one_or_none()
        if row is None:
            raise NoFullSync("no full sync of this order is stored, and its status can only be sent with one")
        return FullOrder(
            kind=FullOrderKind(row.kind),
            id=row.id,
            national_order_id=row.national_order_id,
            member_id=row.member_id,
            payload=row.payload,
        )
