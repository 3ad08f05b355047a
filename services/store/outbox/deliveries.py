"""Requests to be sent to 1688 for sure: enqueued durably, sent one at a time per ordering key."""

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
from services.store.database.postgresql import advisory_xact_lock
from services.store.database.schema import deliveries
from services.store.notifier import Notifier
from services.store.pagination import Page, clamp_page_size, decode_token, encode_token
from services.store.store import Store

DELIVERIES_CHANNEL = "deliveries"
"""What is woken when a delivery may have become due."""
CLAIMING = "claiming deliveries"
"""The lock that whoever claims deliveries shares, and who puts one back into an older place holds alone."""


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    """Not sent yet, being sent, or to be sent again."""
    DELIVERED = "DELIVERED"
    """1688 accepted it."""
    DEAD = "DEAD"
    """Given up; `last_error` says why."""
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """What a caller wants delivered."""

    caller: str
    """The caller's identity; may be empty."""
    request_id: str
    """The same one again, with the same content, is the same delivery."""
    content_hash: bytes
    """SHA-256 of the whole request."""
    rpc: str
    """What `payload` is a request of."""
    payload: bytes
    ordering_key: str
    member_id: str | None = None
    """The buyer it is about, and..."""
    order_id: str | None = None
    """...the downstream order, where it says so: what an erasure finds it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as it is stored. Times are milliseconds since the epoch."""

    delivery_id: str
    caller: str
    request_id: str
    rpc: str
    payload: bytes
    ordering_key: str
    state: State
    attempts: int
    """How often it was sent, the present time included."""
    last_error: bytes | None
    """What the relay's send function told of its last failure."""
    progress: bytes | None
    """What the send function told to be handed to its next attempt."""
    results: bytes | None
    """What the send function told of what was done."""
    create_ms: int
    last_attempt_ms: int | None
    next_attempt_ms: int | None
    """Not before; None once it is finished."""
    finish_ms: int | None
    interrupted: bool = False
    """For the send function: an earlier attempt ended and nobody knows how; 1688 may have accepted it."""


def delivery_of(row: "Row[Any]", *, interrupted: bool = False) -> Delivery:
    """Read a row of the table."""
    return Delivery(
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
        create_ms=row.create_ms,
        last_attempt_ms=row.last_attempt_ms,
        next_attempt_ms=row.next_attempt_ms,
        finish_ms=row.finish_ms,
        interrupted=interrupted,
    )


class Deliveries:
    """What callers do with deliveries; sending them is the relay's."""

    def __init__(self, store: Store, wakeups: Notifier) -> None:
        self._store = store
        self._wakeups = wakeups

    async def enqueue(self, order: NewDelivery) -> Delivery:
        """Store a delivery durably. With a request id that is known, return the delivery of that request.

        Raises RequestIdReused where that one had other content.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            await advisory_xact_lock(connection, "request", order.caller, order.request_id)
            known = await _find(connection, caller=order.caller, request_id=order.request_id)
            if known is not None:
                if known.content_hash != order.content_hash:
                    raise RequestIdReused("the request_id was used before with other content")
                return delivery_of(known)
            # Sequence numbers of a key become visible in their order.
            await advisory_xact_lock(connection, "key", order.ordering_key)
            now_ms = self._store.clock()
            made = await connection.execute(
                insert(deliveries)
                .values(
                    delivery_id=str(uuid.uuid4()),
                    caller=order.caller,
                    request_id=order.request_id,
                    content_hash=order.content_hash,
                    rpc=order.rpc,
                    payload=order.payload,
                    ordering_key=order.ordering_key,
                    member_id=order.member_id,
                    order_id=order.order_id,
                    state=State.PENDING,
                    attempts=0,
                    failures=0,
                    patience_from_ms=now_ms,
                    create_ms=now_ms,
                    next_attempt_ms=now_ms,
                    lease_until_ms=0,
                )
                .returning(deliveries)
            )
            return delivery_of(made.one())

        delivery = await self._store.write(work)
        if delivery.state is State.PENDING:
            self._wakeups.wake(DELIVERIES_CHANNEL)
        return delivery

    async def get(self, delivery_id: str) -> Delivery:
        """Return a delivery. Raises DeliveryNotFound."""
        return delivery_of(await self._store.read(lambda connection: _get(connection, delivery_id)))

    async def list(
        self,
        *,
        states: Sequence[State] = (),
        ordering_key: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[Delivery]:
        """Return deliveries, those enqueued last first; all states and keys where none is named.

        Raises InvalidRequest where the page token is none.
        """
        size = clamp_page_size(page_size)
        statement = select(deliveries).order_by(deliveries.c.seq.desc()).limit(size + 1)
        if (below := decode_token(page_token)) is not None:
            statement = statement.where(deliveries.c.seq < below)
        if states:
            statement = statement.where(deliveries.c.state.in_(states))
        if ordering_key:
            statement = statement.where(deliveries.c.ordering_key == ordering_key)
        rows = (await self._store.read(lambda connection: connection.execute(statement))).all()
        return Page(
            items=[delivery_of(row) for row in rows[:size]],
            next_page_token=encode_token(rows[size - 1].seq) if len(rows) > size else "",
        )

    async def retry(self, delivery_id: str) -> Delivery:
        """Make a dead delivery pending again, in its old place, with new patience.

        A pending one is returned as it is. Raises DeliveryNotFound, DeliveryState where it is delivered or
        cancelled, DeliveryOvertaken where a later one of its key has been sent, with whatever outcome.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            # While this looks, no later one is claimed.
            await advisory_xact_lock(connection, CLAIMING)
            row = await _get(connection, delivery_id, lock=True)
            if row.state == State.PENDING:
                return delivery_of(row)
            if row.state != State.DEAD:
                raise DeliveryState("only a dead delivery can be retried")
            overtaken = exists().where(
                deliveries.c.ordering_key == row.ordering_key,
                deliveries.c.seq > row.seq,
                deliveries.c.attempts > 0,
            )
            if (await connection.execute(select(overtaken))).scalar_one():
                raise DeliveryOvertaken("a later delivery of the same ordering key has been sent")
            now_ms = self._store.clock()
            again = _changed(
                row.seq,
                state=State.PENDING,
                failures=0,
                patience_from_ms=now_ms,
                next_attempt_ms=now_ms,
                finish_ms=None,
            )
            return delivery_of((await connection.execute(again)).one())

        delivery = await self._store.write(work)
        self._wakeups.wake(DELIVERIES_CHANNEL)
        return delivery

    async def cancel(self, delivery_id: str) -> Delivery:
        """Cancel a pending delivery that is not being sent just now; a cancelled one stays as it is.

        Raises DeliveryNotFound, DeliveryState.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            row = await _get(connection, delivery_id, lock=True)
            now_ms = self._store.clock()
            if row.state == State.CANCELLED:
                return delivery_of(row)
            if row.state != State.PENDING:
                raise DeliveryState("only a pending delivery can be cancelled")
            if row.lease_until_ms > now_ms:
                raise DeliveryState("the delivery is being sent")
            cancelled = _changed(row.seq, state=State.CANCELLED, next_attempt_ms=None, finish_ms=now_ms)
            return delivery_of((await connection.execute(cancelled)).one())

        delivery = await self._store.write(work)
        self._wakeups.wake(DELIVERIES_CHANNEL)
        return delivery

    async def refuse_pending(self, ordering_key: str) -> None:
        """Raise DeliveryPending where a delivery of this key is pending: a direct call would overtake it."""
        pending = exists().where(
            deliveries.c.ordering_key == ordering_key, deliveries.c.state == State.PENDING
        )
        found = await self._store.read(lambda connection: connection.execute(select(pending)))
        if found.scalar_one():
            raise DeliveryPending("a delivery with the same ordering key is pending")


async def _find(connection: AsyncConnection, **values: str) -> "Row[Any] | None":
    conditions = [deliveries.c[name] == value for name, value in values.items()]
    return (await connection.execute(select(deliveries).where(*conditions))).one_or_none()


async def _get(connection: AsyncConnection, delivery_id: str, *, lock: bool = False) -> "Row[Any]":
    statement = select(deliveries).where(deliveries.c.delivery_id == delivery_id)
    found = await connection.execute(statement.with_for_update() if lock else statement)
    if (row := found.one_or_none()) is None:
        raise DeliveryNotFound("no delivery of this id")
    return row


def _changed(seq: int, **values: object) -> "Update":
    return update(deliveries).where(deliveries.c.seq == seq).values(**values).returning(deliveries)
