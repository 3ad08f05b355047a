"""Deletes rows after their retention period, in batches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Table, Update, delete, select, tuple_, update

from services.store.coordination.leases import Lease, exclusive_lease
from services.store.database.schema import (
    deliveries,
    full_orders,
    idempotency_keys,
    messages,
    subscription_messages,
    subscriptions,
)
from services.store.database.store import Store
from services.store.idempotency.keys import RUNNING

LEASE_NAME = "retention"
DAY_S = 86_400.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """The retention periods, and how rows are deleted."""

    messages_s: float = 30 * DAY_S
    """From their storage, acknowledged or not. Longer than the 7 days that 1688 can replay."""
    deliveries_s: float = 30 * DAY_S
    """From their end. Their request ids are known for as long."""
    full_orders_s: float = 180 * DAY_S
    """From the last sync."""
    unused_subscriptions_s: float = 7 * DAY_S
    """From the last use."""
    idempotency_keys_s: float = DAY_S
    """From the end of the call."""
    sweep_interval_s: float = 600.0
    batch_size: int = 500
    """Rows in one transaction."""
    lease_s: float = 60.0
    """Of the lease with which one replica at a time sweeps. Longer than a transaction."""


class Retention:
    """Deletes expired rows. Among replicas, one at a time does."""

    def __init__(self, store: Store, policy: RetentionPolicy | None = None) -> None:
        self._store = store
        self._policy = policy or RetentionPolicy()

    async def sweep(self) -> Mapping[str, int]:
        """Delete expired rows, unless another replica does. Return their number by table."""
        deleted: dict[str, int] = {}
        async with exclusive_lease(self._store, LEASE_NAME, self._policy.lease_s) as lease:
            if lease is None:
                return deleted
            await self._store.write(lambda connection: connection.execute(self._expire_subscriptions()))
            for table, is_expired in self._expired_rows():
                deleted[table.name] = await self._delete_in_batches(table, is_expired, lease)
        _log.info("retention_swept", **{table: count for table, count in deleted.items() if count})
        return deleted

    def _expire_subscriptions(self) -> "Update":
        # As in `Subscriptions.delete`: without a name a subscription gets no messages.
        return (
            update(subscriptions)
            .where(
                subscriptions.c.name.is_not(None),
                subscriptions.c.last_used_time_ms <= self._cutoff_ms(self._policy.unused_subscriptions_s),
            )
            .values(name=None)
        )

    def _expired_rows(self) -> "Iterator[tuple[Table, ColumnElement[bool]]]":
        deleted_ids = select(subscriptions.c.id).where(subscriptions.c.name.is_(None))
        yield subscription_messages, subscription_messages.c.subscription_id.in_(deleted_ids)
        backlog = select(subscription_messages.c.subscription_id).where(
            subscription_messages.c.subscription_id == subscriptions.c.id
        )
        yield subscriptions, subscriptions.c.name.is_(None) & ~backlog.exists()
        yield messages, messages.c.receive_time_ms <= self._cutoff_ms(self._policy.messages_s)
        yield deliveries, deliveries.c.finish_time_ms <= self._cutoff_ms(self._policy.deliveries_s)
        yield full_orders, full_orders.c.update_time_ms <= self._cutoff_ms(self._policy.full_orders_s)
        # A call whose process died is RUNNING permanently. Its `expire_time_ms` is the end of its
        # lease, so the retention period is added here; that of the others is the end of the period.
        is_running = idempotency_keys.c.state == RUNNING
        yield (
            idempotency_keys,
            (~is_running & (idempotency_keys.c.expire_time_ms <= self._cutoff_ms(0)))
            | (idempotency_keys.c.expire_time_ms <= self._cutoff_ms(self._policy.idempotency_keys_s)),
        )

    async def _delete_in_batches(self, table: Table, is_expired: "ColumnElement[bool]", lease: Lease) -> int:
        batch = select(*table.primary_key.columns).where(is_expired).limit(self._policy.batch_size)
        statement = delete(table).where(tuple_(*table.primary_key.columns).in_(batch))
        deleted = 0
        while await lease.renew():
            result = await self._store.write(lambda connection: connection.execute(statement))
            deleted += result.rowcount
            if result.rowcount < self._policy.batch_size:
                break
        return deleted

    def _cutoff_ms(self, period_s: float) -> int:
        return self._store.clock() - round(period_s * 1000)
