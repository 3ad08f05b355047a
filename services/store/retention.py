"""Deletes rows after their retention period, in batches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Table, Update, and_, case, delete, exists, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.coordination.leases import Lease, exclusive_lease
from services.store.database.schema import (
    deliveries,
    full_order_syncs,
    full_orders,
    idempotency_keys,
    message_heads,
    message_identities,
    messages,
    subscription_messages,
    subscriptions,
)
from services.store.database.store import Store
from services.store.idempotency.keys import RUNNING
from services.store.inbox.message import delete_messages

LEASE_NAME = "retention"
DAY_S = 86_400.0
READER_TIMEOUT_S = 1.0
"""How long a sweep waits for readers before it leaves SQLite's journal to the next one."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """The retention periods, and how rows are deleted."""

    messages_s: float = 30 * DAY_S
    """Since they were stored, acknowledged or not. Longer than the 7 days for which 1688 can replay."""
    message_identities_s: float = 150 * DAY_S
    """Since the message was stored. Longer than the callback accepts a push, so that none is stored again."""
    deliveries_s: float = 30 * DAY_S
    """Since they were finished. Until then, a request with the same id gets the same delivery."""
    full_orders_s: float = 180 * DAY_S
    """Since the last sync."""
    unused_subscriptions_s: float = 7 * DAY_S
    """Since the last use."""
    idempotency_keys_s: float = DAY_S
    """Since the end of the call."""
    resource_ids_s: float = 90 * DAY_S
    """Since the end of a call with a resource id, such as an out_order_id."""
    sweep_interval_s: float = 600.0
    batch_size: int = 500
    """Rows in one transaction."""
    lease_s: float = 60.0
    """Duration of the lease that only the sweeping replica holds. It must be longer than a transaction."""


class Retention:
    """Deletes expired rows. One replica at a time does this."""

    def __init__(self, store: Store, policy: RetentionPolicy | None = None) -> None:
        self._store = store
        self._policy = policy or RetentionPolicy()

    async def sweep(self) -> Mapping[str, int]:
        """Delete expired rows, unless another replica is doing this. Return their number by table."""
        deleted: dict[str, int] = {}
        async with exclusive_lease(self._store, LEASE_NAME, self._policy.lease_s) as lease:
            if lease is None:
                return deleted
            await self._store.write(lambda connection: connection.execute(self._expire_subscriptions()))
            for table, is_expired in self._expired_rows():
                deleted[table.name] = await self._delete_in_batches(table, is_expired, lease)
        # What was deleted is also in SQLite's journal. PostgreSQL's vacuum runs by itself.
        if not self._store.is_postgresql and not await self._store.scrub(timeout_s=READER_TIMEOUT_S):
            _log.warning("journal_not_emptied", cause="another connection reads an older state")
        _log.info("retention_swept", **{table: count for table, count in deleted.items() if count})
        return deleted

    def _expire_subscriptions(self) -> "Update":
        # As in `Subscriptions.delete`, only the name is removed: then the subscription gets no messages.
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
        yield message_heads, message_heads.c.subscription_id.in_(deleted_ids)
        is_used = (
            exists().where(table.c.subscription_id == subscriptions.c.id)
            for table in (subscription_messages, message_heads)
        )
        yield subscriptions, and_(subscriptions.c.name.is_(None), *(~each for each in is_used))
        yield messages, messages.c.receive_time_ms <= self._cutoff_ms(self._policy.messages_s)
        yield (
            message_identities,
            message_identities.c.receive_time_ms <= self._cutoff_ms(self._policy.message_identities_s),
        )
        yield deliveries, deliveries.c.finish_time_ms <= self._cutoff_ms(self._policy.deliveries_s)
        yield full_orders, full_orders.c.update_time_ms <= self._cutoff_ms(self._policy.full_orders_s)
        # Of a process that died. A sync that still runs stores its order only while it has its row.
        yield full_order_syncs, full_order_syncs.c.expire_time_ms <= self._cutoff_ms(DAY_S)
        # A call whose process died stays RUNNING. The `expire_time_ms` of a RUNNING row is the end of its
        # lease, so the retention period is added here. In all other rows, `expire_time_ms` is already the
        # end of the retention period.
        is_running = idempotency_keys.c.state == RUNNING
        has_resource_id = idempotency_keys.c.resource_id.is_not(None)
        cutoff_ms = case(
            (~is_running, self._cutoff_ms(0)),
            (has_resource_id, self._cutoff_ms(self._policy.resource_ids_s)),
            else_=self._cutoff_ms(self._policy.idempotency_keys_s),
        )
        expire_time_ms = idempotency_keys.c.expire_time_ms
        # The first condition is for the index.
        yield idempotency_keys, (expire_time_ms <= self._cutoff_ms(0)) & (expire_time_ms <= cutoff_ms)

    async def _delete_in_batches(self, table: Table, is_expired: "ColumnElement[bool]", lease: Lease) -> int:
        batch_size = self._policy.batch_size

        async def delete_expired(connection: AsyncConnection) -> int:
            if table is messages:
                return await delete_messages(connection, is_expired, limit=batch_size)
            keys = table.primary_key.columns
            batch = select(*keys).where(is_expired).limit(batch_size)
            # If another transaction has changed a row meanwhile, PostgreSQL checks the conditions of the
            # DELETE again, but not those of the subquery.
            statement = delete(table).where(tuple_(*keys).in_(batch), is_expired)
            return (await connection.execute(statement)).rowcount

        deleted = 0
        while await lease.renew():
            count = await self._store.write(delete_expired)
            deleted += count
            if count < batch_size:
                break
        return deleted

    def _cutoff_ms(self, period_s: float) -> int:
        return self._store.clock() - round(period_s * 1000)
