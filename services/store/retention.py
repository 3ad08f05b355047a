"""Removes what has been kept long enough, a little at a time."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Table, Update, delete, select, tuple_, update

from services.errors import StoreUnavailable
from services.store.database.schema import (
    deliveries,
    full_orders,
    messages,
    request_ids,
    subscription_messages,
    subscriptions,
)
from services.store.leases import Lease, exclusive_lease
from services.store.store import Store

TASK = "retention"
DAY_S = 86_400.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """How long what is kept."""

    messages_s: float = 30 * DAY_S
    """From storing, acknowledged or not: longer than the 7 days that 1688 can replay."""
    deliveries_s: float = 30 * DAY_S
    """From their end, whatever it was: as long as their request id is known."""
    full_orders_s: float = 180 * DAY_S
    """From the last sync."""
    unused_subscriptions_s: float = 7 * DAY_S
    request_ids_s: float = DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepLimits:
    """How the removing goes about."""

    every_s: float = 600.0
    batch: int = 500
    """Rows in one transaction."""
    lease_s: float = 60.0


class Retention:
    """Sweeps now and then; among replicas one at a time."""

    def __init__(
        self, store: Store, keep: RetentionPolicy | None = None, limits: SweepLimits | None = None
    ) -> None:
        self._store = store
        self._keep = keep or RetentionPolicy()
        self._limits = limits or SweepLimits()

    async def sweep_for_ever(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                removed = await self.sweep()
                _log.info("swept", **{name: count for name, count in removed.items() if count})
            except StoreUnavailable:
                _log.info("sweep_put_off")
            except Exception as error:
                _log.exception("sweep_fault", exc_info=error)  # a fault of ours must not end it for good
            await asyncio.sleep(self._limits.every_s)

    async def sweep(self) -> Mapping[str, int]:
        """Remove what is due, unless another replica does. Return how many rows of which table went."""
        removed: dict[str, int] = {}
        async with exclusive_lease(self._store, TASK, self._limits.lease_s) as lease:
            if lease is None:
                return removed
            await self._store.write(lambda connection: connection.execute(self._unused()))
            for table, due in self._due():
                removed[table.name] = await self._remove(table, due, lease)
        return removed

    def _unused(self) -> "Update":
        # Those lose their name, as one that is deleted does: from then on they get nothing more.
        return (
            update(subscriptions)
            .where(
                subscriptions.c.name.is_not(None),
                subscriptions.c.used_ms <= self._ago_ms(self._keep.unused_subscriptions_s),
            )
            .values(name=None)
        )

    def _due(self) -> "Iterator[tuple[Table, ColumnElement[bool]]]":
        nameless = select(subscriptions.c.id).where(subscriptions.c.name.is_(None))
        yield subscription_messages, subscription_messages.c.subscription_id.in_(nameless)
        left = select(subscription_messages.c.subscription_id).where(
            subscription_messages.c.subscription_id == subscriptions.c.id
        )
        yield subscriptions, subscriptions.c.name.is_(None) & ~left.exists()
        yield messages, messages.c.received_ms <= self._ago_ms(self._keep.messages_s)
        yield deliveries, deliveries.c.finish_ms <= self._ago_ms(self._keep.deliveries_s)
        yield full_orders, full_orders.c.stored_ms <= self._ago_ms(self._keep.full_orders_s)
        # A run whose process died is kept as long as any other, from the end of its lease.
        running = request_ids.c.state == "RUNNING"
        yield (
            request_ids,
            (~running & (request_ids.c.until_ms <= self._ago_ms(0)))
            | (request_ids.c.until_ms <= self._ago_ms(self._keep.request_ids_s)),
        )

    async def _remove(self, table: Table, due: "ColumnElement[bool]", lease: Lease) -> int:
        key = tuple_(*table.primary_key.columns)
        some = select(*table.primary_key.columns).where(due).limit(self._limits.batch)
        statement = delete(table).where(key.in_(some))
        total = 0
        while await lease.renew():
            result = await self._store.write(lambda connection: connection.execute(statement))
            total += result.rowcount
            if result.rowcount < self._limits.batch:
                break
        return total

    def _ago_ms(self, seconds: float) -> int:
        return self._store.clock() - round(seconds * 1000)
