"""Stores each order and logistics order as last synced: some dialects send a status only within it.

A sync reads the stored order, sends it with its changes, and stores what it sent. So the syncs of one order
run one at a time, in all replicas.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import NoFullSync, StoreUnavailable
from services.store.coordination.notifier import Notifier
from services.store.database.engine import UnitOfWork
from services.store.database.schema import full_order_syncs, full_orders
from services.store.database.sql_dialect import insert_into
from services.store.database.store import Store

RELEASE_TIMEOUT_S = 60.0
"""How long the end of a sync is retried, if the store is unavailable. Its lease is shorter."""


class FullOrderKind(StrEnum):
    """Whether a full order is an order or a logistics order."""

    ORDER = "order"
    """Its id is its `national_order_id`."""
    LOGISTICS_ORDER = "logistics_order"
    """Its id is its `logistics_id`."""


_ID_NAMES = {FullOrderKind.ORDER: "national_order_id", FullOrderKind.LOGISTICS_ORDER: "logistics_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FullOrderKey:
    """Identifies a full order."""

    kind: FullOrderKind
    id: str

    @property
    def metadata(self) -> Mapping[str, str]:
        """The id, as the metadata of an error."""
        return {_ID_NAMES[self.kind]: self.id}

    @property
    def channel(self) -> str:
        """The channel of the notifier that is notified when a sync of this order has ended."""
        # A digest, because an id may contain blanks, and many names have to fit into one notification.
        digest = hashlib.sha256(f"{self.kind}:{self.id}".encode()).hexdigest()[:32]
        return f"full_order:{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FullOrder:
    """The last order or logistics order that was synced."""

    kind: FullOrderKind
    id: str
    national_order_id: str
    """Id of the order itself, or of the order to which the logistics order belongs."""
    member_id: str | None
    """The buyer's `out_member_id`, if the order contains it: for erasure."""
    payload: bytes
    """The order or logistics order, serialized."""

    @property
    def key(self) -> FullOrderKey:
        """Its key."""
        return FullOrderKey(kind=self.kind, id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """A full order as it is stored now. Both fields are None if none is stored."""

    order: FullOrder | None
    revision: str | None
    """Id of the sync that stored it."""


_NOTHING = StoredOrder(order=None, revision=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunSync:
    """The sync may send until its lease ends. `finish`, `release` or `suspend` ends it."""

    key: FullOrderKey
    sync_id: str
    stored: StoredOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncInFlight:
    """Another sync of the order is in flight."""

    stored: StoredOrder
    sync_id: str | None
    """Id of the sync in flight. None if there is none, and `begin` was not to take the lease."""
    content_hash: bytes | None
    """SHA-256 of what it sent, if its outcome is unknown: a sync that sends the same may begin."""


class FullOrders:
    """Stores full orders until retention deletes them, and lets one sync of each begin at a time."""

    def __init__(self, store: Store, notifier: Notifier) -> None:
        self._store = store
        self._notifier = notifier

    async def begin(
        self,
        key: FullOrderKey,
        sync_id: str,
        *,
        lease_s: float,
        take: bool = True,
        content_hash: bytes | None = None,
    ) -> BegunSync | SyncInFlight:
        """Begin a sync, unless another one of the order is in flight. Return the stored order with it.

        If the same sync has begun before, it continues with a new lease. With `content_hash`, the sync also
        begins if the other one sent the same, and its outcome is unknown. Without `take`, nothing begins.
        """

        async def work(connection: AsyncConnection) -> BegunSync | SyncInFlight:
            now_ms = self._store.clock()
            values = {
                "sync_id": sync_id,
                "content_hash": None,
                "expire_time_ms": now_ms + round(lease_s * 1000),
            }
            may_replace: ColumnElement[bool] = or_(
                full_order_syncs.c.expire_time_ms <= now_ms, full_order_syncs.c.sync_id == sync_id
            )
            if content_hash is not None:
                may_replace |= full_order_syncs.c.content_hash == content_hash
            if take:
                begun = await connection.execute(
                    insert_into(connection, full_order_syncs)
                    .values(kind=key.kind, id=key.id, **values)
                    .on_conflict_do_update(index_elements=["kind", "id"], set_=values, where=may_replace)
                    .returning(full_order_syncs.c.sync_id)
                )
                if begun.one_or_none() is not None:
                    return BegunSync(key=key, sync_id=sync_id, stored=await _read(connection, key))
            row = await _find_sync(connection, key)
            return SyncInFlight(
                stored=await _read(connection, key),
                sync_id=row.sync_id if row else None,
                content_hash=row.content_hash if row else None,
            )

        try:
            return await self._store.write(work)
        except StoreUnavailable:
            # It may have begun nevertheless, and would stay in flight until its lease expires.
            await self._release_unknown(BegunSync(key=key, sync_id=sync_id, stored=_NOTHING))
            raise

    async def finish(self, sync: BegunSync, order: FullOrder) -> bool:
        """Store the order that was sent, and end the sync.

        Return False, and do neither, if the sync has lost its lease, or if the stored order is no longer the
        one with which it began. Safe to retry.
        """
        values = {
            "national_order_id": order.national_order_id,
            "member_id": order.member_id,
            "payload": order.payload,
            "revision": sync.sync_id,
            "update_time_ms": self._store.clock(),
        }

        async def work(connection: AsyncConnection) -> bool:
            # With the lock on the row of the sync, no other one begins before this transaction ends.
            row = await _find_sync(connection, sync.key, lock=True)
            stored = await _read(connection, sync.key)
            if stored.revision == sync.sync_id:
                return True  # stored before, and only the answer was lost
            if row is None or row.sync_id != sync.sync_id or stored.revision != sync.stored.revision:
                return False
            statement = insert_into(connection, full_orders).values(kind=order.kind, id=order.id, **values)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["kind", "id"], set_=values)
            )
            await connection.execute(delete(full_order_syncs).where(*_is_held(sync)))
            return True

        return await self._store.write(work, lambda _: self._notifier.notify(sync.key.channel))

    async def release(self, sync: BegunSync) -> None:
        """End a sync that 1688 has not executed, or has responded to. Never raises."""
        statement = delete(full_order_syncs).where(*_is_held(sync))
        await self._end(sync, lambda connection: connection.execute(statement))

    async def suspend(self, sync: BegunSync, content_hash: bytes, for_s: float) -> None:
        """End a sync whose outcome is unknown. For some time, only a sync that sends the same may begin.

        Never raises: without this, nothing may begin until the lease expires.
        """
        values = {
            "content_hash": content_hash,
            "expire_time_ms": self._store.clock() + round(for_s * 1000),
        }
        statement = update(full_order_syncs).where(*_is_held(sync)).values(**values)
        await self._end(sync, lambda connection: connection.execute(statement))

    async def _release_unknown(self, sync: BegunSync) -> None:
        """End a sync if it has begun, also if the transaction in which it began is still being committed."""

        async def work(connection: AsyncConnection) -> None:
            # A DELETE alone would not see the row. An INSERT of the same key waits for the other transaction.
            insert = insert_into(connection, full_order_syncs).values(
                kind=sync.key.kind, id=sync.key.id, sync_id=sync.sync_id, expire_time_ms=0
            )
            # Set to the same value, because `do_nothing` would not wait for an update.
            await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["kind", "id"],
                    set_={"sync_id": full_order_syncs.c.sync_id},
                    where=full_order_syncs.c.sync_id == sync.sync_id,
                )
            )
            await connection.execute(delete(full_order_syncs).where(*_is_held(sync)))

        await self._end(sync, work)

    async def _end(self, sync: BegunSync, work: UnitOfWork[Any]) -> None:
        await self._store.settle(
            work,
            lambda _: self._notifier.notify(sync.key.channel),
            within_s=RELEASE_TIMEOUT_S,
            what="full_order_sync_end",
        )


def require_full_order(order: FullOrder | None, key: FullOrderKey) -> FullOrder:
    """Return the order. Raises NoFullSync if it is None."""
    if order is None:
        raise NoFullSync(
            "no full order is stored for this id, and the status can only be sent with it", **key.metadata
        )
    return order


async def _read(connection: AsyncConnection, key: FullOrderKey) -> StoredOrder:
    statement = select(full_orders).where(full_orders.c.kind == key.kind, full_orders.c.id == key.id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return _NOTHING
    order = FullOrder(
        kind=FullOrderKind(row.kind),
        id=row.id,
        national_order_id=row.national_order_id,
        member_id=row.member_id,
        payload=row.payload,
    )
    return StoredOrder(order=order, revision=row.revision)


async def _find_sync(
    connection: AsyncConnection, key: FullOrderKey, *, lock: bool = False
) -> "Row[Any] | None":
    statement = select(full_order_syncs).where(
        full_order_syncs.c.kind == key.kind, full_order_syncs.c.id == key.id
    )
    return (await connection.execute(statement.with_for_update() if lock else statement)).one_or_none()


def _is_held(sync: BegunSync) -> tuple[ColumnElement[bool], ...]:
    return (
        full_order_syncs.c.kind == sync.key.kind,
        full_order_syncs.c.id == sync.key.id,
        full_order_syncs.c.sync_id == sync.sync_id,
    )
