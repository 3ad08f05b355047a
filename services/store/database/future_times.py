"""Corrects stored times that are further in the future than they can be, after the clock was set back far."""

from collections.abc import Iterator

from sqlalchemy import Column, ColumnElement, Update, exists, literal, select, true, tuple_, update

from services.store.database.schema import (
    deliveries,
    delivery_heads,
    full_order_syncs,
    full_orders,
    idempotency_keys,
    leases,
    messages,
    subscription_messages,
    subscriptions,
)
from services.store.database.store import Store

BATCH_SIZE = 500
"""Rows in one transaction."""
_MINUTE_MS = 60_000
MAX_LEASE_MS = 10 * _MINUTE_MS
"""No lease is longer, unless NATIONALSITE_DEADLINES lets a call with a request id take longer."""
_DAY_MS = 24 * 60 * _MINUTE_MS
MAX_RESOURCE_RETENTION_DAYS = 400
"""No outcome of a call with a resource id is retained longer."""

_IS_RUNNING = idempotency_keys.c.state == "RUNNING"
_HAS_RESOURCE_ID = idempotency_keys.c.resource_id.is_not(None)
_IS_LEASED = exists().where(deliveries.c.seq == delivery_heads.c.seq, deliveries.c.lease_expire_time_ms > 0)
LIMITS: "tuple[tuple[Column[int], int, ColumnElement[bool]], ...]" = (
    (messages.c.receive_time_ms, 0, true()),
    (subscriptions.c.last_used_time_ms, 0, true()),
    (subscription_messages.c.lease_expire_time_ms, MAX_LEASE_MS, true()),
    (deliveries.c.lease_expire_time_ms, MAX_LEASE_MS, true()),
    (deliveries.c.next_attempt_time_ms, 0, true()),
    (deliveries.c.retry_start_time_ms, 0, true()),
    (deliveries.c.finish_time_ms, 0, true()),
    (delivery_heads.c.due_time_ms, MAX_LEASE_MS, _IS_LEASED),
    (delivery_heads.c.due_time_ms, 0, ~_IS_LEASED),
    (idempotency_keys.c.expire_time_ms, MAX_LEASE_MS, _IS_RUNNING),
    (idempotency_keys.c.expire_time_ms, _DAY_MS, ~_IS_RUNNING & ~_HAS_RESOURCE_ID),
    (
        idempotency_keys.c.expire_time_ms,
        MAX_RESOURCE_RETENTION_DAYS * _DAY_MS,
        ~_IS_RUNNING & _HAS_RESOURCE_ID,
    ),
    (idempotency_keys.c.start_time_ms, 0, true()),
    (full_orders.c.update_time_ms, 0, true()),
    (full_order_syncs.c.expire_time_ms, MAX_LEASE_MS, true()),
    (leases.c.expire_time_ms, MAX_LEASE_MS, true()),
)
"""Column, how far in the future it may be in milliseconds, and in which rows."""


async def limit_future_times(store: Store, now_ms: int) -> None:
    """Bring every stored time that is too far in the future to its limit in LIMITS.

    A lease then ends at most MAX_LEASE_MS from now. A retry of a delivery is due now.
    """
    for statement in _build_updates(now_ms):
        while await _count_updated(store, statement):
            continue


def _build_updates(now_ms: int) -> "Iterator[Update]":
    for column, max_future_ms, condition in LIMITS:
        table = column.table
        keys = table.primary_key.columns
        is_too_late = (column > now_ms + max_future_ms) & condition
        batch = select(*keys).where(is_too_late).limit(BATCH_SIZE)
        # If another transaction has changed a row meanwhile, PostgreSQL checks the conditions of the UPDATE
        # again, but not those of the subquery.
        changed = update(table).where(tuple_(*keys).in_(batch), is_too_late)
        yield changed.values({column: literal(now_ms + max_future_ms)})


async def _count_updated(store: Store, statement: "Update") -> int:
    return (await store.write(lambda connection: connection.execute(statement))).rowcount
