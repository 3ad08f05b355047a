"""Deliveries: requests that are stored durably and sent to 1688 in order per ordering key."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Update, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import (
    DeliveryNotFound,
    DeliveryOvertaken,
    DeliveryPending,
    DeliveryState,
    RequestIdReused,
)
from services.store.coordination.notifier import Notifier
from services.store.database.schema import deliveries
from services.store.database.sql_dialect import advisory_xact_lock
from services.store.database.store import Store
from services.store.pagination import Page, clamp_page_size, decode_page_token, encode_page_token

DELIVERIES_CHANNEL = "deliveries"
"""Notified when a delivery may have become due."""
CLAIMS_LOCK = "delivery claims"
"""Shared by transactions that claim deliveries, exclusive while RetryDelivery resets a delivery."""


class State(StrEnum):
    """The state of a delivery."""

    PENDING = "PENDING"
    """Not sent yet, in flight, or to be retried."""
    DELIVERED = "DELIVERED"
    """1688 accepted it."""
    DEAD = "DEAD"
    """It failed permanently; `last_error` has the reason."""
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to enqueue."""

    caller: str
    """The caller's identity; may be empty."""
    request_id: str
    """The same id with the same content is the same delivery."""
    content_hash: bytes
    """SHA-256 of the whole request."""
    rpc: str
    """The RPC whose request is in `payload`."""
    payload: bytes
    ordering_key: str
    member_id: str | None = None
    """The buyer's `out_member_id`, if the request has one: for erasure."""
    national_order_id: str | None = None
    """The national site's order, if the request has one: for erasure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A stored delivery. Times are milliseconds since the epoch."""

    delivery_id: str
    caller: str
    request_id: str
    rpc: str
    payload: bytes
    ordering_key: str
    state: State
    attempts: int
    """How often it was attempted. For the send function, the present attempt counts."""
    last_error: bytes | None
    """The error of the last failed attempt, from the send function."""
    progress: bytes | None
    """From the send function, for its next attempt."""
    results: bytes | None
    """From the send function, for callers."""
    create_time_ms: int
    last_attempt_time_ms: int | None
    next_attempt_time_ms: int | None
    """The next attempt is not made before. None if the delivery is finished."""
    finish_time_ms: int | None
    previous_outcome_unknown: bool = False
    """For the send function: 1688 may have executed an earlier attempt."""

    @classmethod
    def from_row(cls, row: "Row[Any]", *, previous_outcome_unknown: bool = False) -> "Delivery":
        """Read a row of the table `deliveries`."""
        return cls(
            delivery_id=row.delivery_id,
            caller=row.caller,
            request_id=row.request_id,
            rpc=row.rpc,
            payload=row.payload,
            ordering_key=row.ordering_key,
            state=State(row.state),
            attempts=row.attempts,
            last_error=row.last_error,
            progress=row.progress,
            results=row.results,
            create_time_ms=row.create_time_ms,
            last_attempt_time_ms=row.last_attempt_time_ms,
            next_attempt_time_ms=row.next_attempt_time_ms,
            finish_time_ms=row.finish_time_ms,
            previous_outcome_unknown=previous_outcome_unknown,
        )


class Deliveries:
    """Enqueues, lists, retries and cancels deliveries. The relay sends them."""

    def __init__(self, store: Store, notifier: Notifier) -> None:
        self._store = store
        self._notifier = notifier

    async def enqueue(self, new: NewDelivery) -> Delivery:
        """Store a delivery durably. With a known request id, return the delivery of that request.

        Raises RequestIdReused if that request had other content.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            await advisory_xact_lock(connection, "delivery request", new.caller, new.request_id)
            existing = await _find(connection, new.caller, new.request_id)
            if existing is not None:
                if existing.content_hash != new.content_hash:
                    raise RequestIdReused("the request_id was used before with other content")
                return Delivery.from_row(existing)
            # With the lock, the sequence numbers of a key become visible in their order.
            await advisory_xact_lock(connection, "delivery key", new.ordering_key)
            now_ms = self._store.clock()
            inserted = await connection.execute(
                insert(deliveries)
                .values(
                    delivery_id=str(uuid.uuid4()),
                    caller=new.caller,
                    request_id=new.request_id,
                    content_hash=new.content_hash,
                    rpc=new.rpc,
                    payload=new.payload,
                    ordering_key=new.ordering_key,
                    member_id=new.member_id,
                    national_order_id=new.national_order_id,
                    state=State.PENDING,
                    attempts=0,
                    failures=0,
                    retry_start_time_ms=now_ms,
                    create_time_ms=now_ms,
                    next_attempt_time_ms=now_ms,
                    lease_expire_time_ms=0,
                )
                .returning(deliveries)
            )
            return Delivery.from_row(inserted.one())

        delivery = await self._store.write(work)
        if delivery.state is State.PENDING:
            self._notifier.notify(DELIVERIES_CHANNEL)
        return delivery

    async def get(self, delivery_id: str) -> Delivery:
        """Return a delivery. Raises DeliveryNotFound."""
        return Delivery.from_row(await self._store.read(lambda connection: _get(connection, delivery_id)))

    async def list(
        self,
        *,
        states: Sequence[State] = (),
        ordering_key: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[Delivery]:
        """Return deliveries, the last enqueued first. No states or an empty key select all.

        Raises InvalidRequest (page token).
        """
        size = clamp_page_size(page_size)
        statement = select(deliveries).order_by(deliveries.c.seq.desc()).limit(size + 1)
        if (before_seq := decode_page_token(page_token)) is not None:
            statement = statement.where(deliveries.c.seq < before_seq)
        if states:
            statement = statement.where(deliveries.c.state.in_(states))
        if ordering_key:
            statement = statement.where(deliveries.c.ordering_key == ordering_key)
        rows = (await self._store.read(lambda connection: connection.execute(statement))).all()
        return Page(
            items=[Delivery.from_row(row) for row in rows[:size]],
            next_page_token=encode_page_token(rows[size - 1].seq) if len(rows) > size else "",
        )

    async def retry(self, delivery_id: str) -> Delivery:
        """Make a dead delivery pending again, at its old position in the order. `max_age_s` counts from now.

        A pending one is returned unchanged. Raises DeliveryNotFound, DeliveryState if it is delivered or
        cancelled, DeliveryOvertaken if a later one of its key was sent, with any outcome.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            # With the lock, no later delivery is claimed between the check and the update.
            await advisory_xact_lock(connection, CLAIMS_LOCK)
            row = await _get(connection, delivery_id, lock=True)
            if row.state == State.PENDING:
                return Delivery.from_row(row)
            if row.state != State.DEAD:
                raise DeliveryState("only a dead delivery can be retried")
            is_overtaken = exists().where(
                deliveries.c.ordering_key == row.ordering_key,
                deliveries.c.seq > row.seq,
                deliveries.c.attempts > 0,
            )
            if (await connection.execute(select(is_overtaken))).scalar_one():
                raise DeliveryOvertaken("a later delivery of the same ordering key has been sent")
            now_ms = self._store.clock()
            statement = _update(
                row.seq,
                state=State.PENDING,
                failures=0,
                retry_start_time_ms=now_ms,
                next_attempt_time_ms=now_ms,
                finish_time_ms=None,
            )
            return Delivery.from_row((await connection.execute(statement)).one())

        delivery = await self._store.write(work)
        self._notifier.notify(DELIVERIES_CHANNEL)
        return delivery

    async def cancel(self, delivery_id: str) -> Delivery:
        """Cancel a pending delivery that is not in flight. A cancelled one is returned unchanged.

        Raises DeliveryNotFound, DeliveryState.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            row = await _get(connection, delivery_id, lock=True)
            now_ms = self._store.clock()
            if row.state == State.CANCELLED:
                return Delivery.from_row(row)
            if row.state != State.PENDING:
                raise DeliveryState("only a pending delivery can be cancelled")
            if row.lease_expire_time_ms > now_ms:
                raise DeliveryState("the delivery is being sent")
            statement = _update(
                row.seq, state=State.CANCELLED, next_attempt_time_ms=None, finish_time_ms=now_ms
            )
            return Delivery.from_row((await connection.execute(statement)).one())

        delivery = await self._store.write(work)
        self._notifier.notify(DELIVERIES_CHANNEL)
        return delivery

    async def ensure_none_pending(self, ordering_key: str) -> None:
        """Raise DeliveryPending if a delivery of this key is pending: a direct call would overtake it."""
        is_pending = exists().where(
            deliveries.c.ordering_key == ordering_key, deliveries.c.state == State.PENDING
        )
        rows = await self._store.read(lambda connection: connection.execute(select(is_pending)))
        if rows.scalar_one():
            raise DeliveryPending("a delivery with the same ordering key is pending")


async def _find(connection: AsyncConnection, caller: str, request_id: str) -> "Row[Any] | None":
    statement = select(deliveries).where(deliveries.c.caller == caller, deliveries.c.request_id == request_id)
    return (await connection.execute(statement)).one_or_none()


async def _get(connection: AsyncConnection, delivery_id: str, *, lock: bool = False) -> "Row[Any]":
    statement = select(deliveries).where(deliveries.c.delivery_id == delivery_id)
    rows = await connection.execute(statement.with_for_update() if lock else statement)
    if (row := rows.one_or_none()) is None:
        raise DeliveryNotFound("no delivery of this id")
    return row


def _update(seq: int, **values: object) -> "Update":
    return update(deliveries).where(deliveries.c.seq == seq).values(**values).returning(deliveries)
