"""Stored messages, and statements on the backlog of a subscription."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnCollection,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import messages, subscription_messages
from services.store.database.sql_dialect import is_in
from services.store.inbox.ack_id import AckId
from services.store.inbox.heads import update_heads

Item = TypeVar("Item")

BATCH_SIZE = 500
"""Messages, or other rows, in one statement."""
MAX_TEXT_BYTES = 900 * 2**10
"""Texts of the messages that one call returns, together; a longer text is returned alone.

A response also has the decoded fields of each text, or three bytes for each one that is not UTF-8. So it
can be three times as long, and stays below MAX_PAGE_BYTES.
"""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A stored message."""

    message_id: str
    topic: str
    event_time_ms: int
    """1688's time of the message, in milliseconds since the epoch."""
    member_id: str
    raw: bytes
    """The JSON text as received."""

    @classmethod
    def from_row(cls, row: "Row[*tuple[Any, ...]]") -> "Message":
        """Read a row of `select_texts`."""
        return cls(
            message_id=row.message_id,
            topic=row.topic,
            event_time_ms=row.event_time_ms,
            member_id=row.member_id,
            raw=row.raw,
        )


class ReceivedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery of a message: a consumer has the message alone until its lease expires."""

    ack_id: AckId
    message: Message
    delivery_attempt: int
    """How often the message was delivered since it was stored or requeued, this delivery included."""
    lease_expire_time_ms: int


class DeadMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was delivered too often without an acknowledgement."""

    message: Message
    delivery_attempts: int
    dead_time_ms: int
    """When its last lease expired or was released."""


def select_texts(
    candidates: "Select[*tuple[Any, ...]]",
    order_by: "Callable[[ColumnCollection[str, Any]], Sequence[ColumnElement[Any]]]",
) -> "Select[*tuple[Any, ...]]":
    """Select the first of some messages with their texts, up to MAX_TEXT_BYTES, and at least one.

    `candidates` selects their `message_seq` and other columns; `order_by` returns the order of such columns.
    Each row also has `candidate_count`, the number of candidates.
    """
    candidate = candidates.subquery("candidate")
    size = func.length(messages.c.raw)
    sized = (
        select(
            candidate,
            size.label("size"),
            func.sum(size).over(order_by=order_by(candidate.c)).label("total_size"),
            func.count().over().label("candidate_count"),
        )
        .join(messages, messages.c.seq == candidate.c.message_seq)
        .subquery("sized")
    )
    return (
        select(
            sized,
            messages.c.message_id,
            messages.c.topic,
            messages.c.event_time_ms,
            messages.c.member_id,
            messages.c.raw,
        )
        .join(messages, messages.c.seq == sized.c.message_seq)
        .where(or_(sized.c.total_size <= MAX_TEXT_BYTES, sized.c.total_size == sized.c.size))
        .order_by(*order_by(sized.c))
    )


def in_batches(items: "Sequence[Item]") -> "Iterator[Sequence[Item]]":
    """Split items into batches, each for one statement."""
    for start in range(0, len(items), BATCH_SIZE):
        yield items[start : start + BATCH_SIZE]


async def lock_backlog_rows(
    connection: AsyncConnection, subscription_id: int, ack_ids: Sequence[AckId]
) -> "Mapping[int, Row[*tuple[Any, ...]]]":
    """Lock and return the rows of messages that are not acknowledged yet, by sequence number.

    A row's last delivery is the one that its `lease_id` identifies. An ack id of an earlier one is lapsed.
    """
    parameters = {"subscription_id_": subscription_id, "seqs": [ack_id.message_seq for ack_id in ack_ids]}
    rows = await connection.execute(_LOCK_BACKLOG_ROWS, parameters)
    return {row.message_seq: row for row in rows}


def is_leased(subscription_id: "int | ColumnElement[int]") -> "ColumnElement[bool]":
    """Return the condition on a subscription's rows that have a lease, which may have expired.

    It is that of an index, so that the cost does not grow with the backlog. SQLite uses such an index only if
    the number is part of the statement, and not a parameter.
    """
    return and_(
        subscription_messages.c.subscription_id == subscription_id,
        subscription_messages.c.dead_letter_time_ms.is_(None),
        subscription_messages.c.lease_expire_time_ms > literal_column("0"),
    )


def end_lease(max_delivery_attempts: int, now_ms: int) -> "dict[str, Any]":
    """Return the values of a row whose lease is released. After the last allowed delivery it is dead."""
    return {
        "lease_expire_time_ms": 0,
        "dead_letter_time_ms": case((subscription_messages.c.attempts >= max_delivery_attempts, now_ms)),
    }


HAS_SEQ = and_(
    subscription_messages.c.subscription_id == bindparam("subscription_id_", type_=BigInteger),
    is_in(subscription_messages.c.message_seq, "seqs"),
)
"""The condition on the rows of a subscription that have one of the sequence numbers of a list."""
_LOCK_BACKLOG_ROWS = (
    select(
        subscription_messages.c.message_seq,
        subscription_messages.c.lease_id,
        subscription_messages.c.lease_expire_time_ms,
        subscription_messages.c.ordering_key,
    )
    .where(HAS_SEQ)
    .order_by(subscription_messages.c.message_seq)
    .with_for_update()
)


async def mark_dead(
    connection: AsyncConnection, subscription_id: int, *, max_delivery_attempts: int, now_ms: int
) -> None:
    """Dead-letter the messages whose last allowed lease has expired."""
    dead = await connection.execute(
        update(subscription_messages)
        .where(
            is_leased(subscription_id),
            subscription_messages.c.attempts >= max_delivery_attempts,
            subscription_messages.c.lease_expire_time_ms <= now_ms,
        )
        .values(dead_letter_time_ms=subscription_messages.c.lease_expire_time_ms)
        .returning(subscription_messages.c.ordering_key)
    )
    await update_heads(connection, subscription_id, dead.scalars())


async def delete_messages(
    connection: AsyncConnection, condition: "ColumnElement[bool]", *, limit: int | None = None
) -> int:
    """Delete messages from all subscriptions and from the store. Return their number."""
    # With the lock, a backfill does not add one of them to a subscription meanwhile.
    found = await connection.execute(select(messages.c.seq).where(condition).limit(limit).with_for_update())
    seqs = found.scalars().all()
    keys: defaultdict[int, list[str]] = defaultdict(list)
    for batch in in_batches(seqs):
        backlogs = await connection.execute(
            select(subscription_messages.c.subscription_id, subscription_messages.c.ordering_key).where(
                subscription_messages.c.message_seq.in_(batch)
            )
        )
        await connection.execute(delete(messages).where(messages.c.seq.in_(batch)))
        for row in backlogs:
            keys[row.subscription_id].append(row.ordering_key)
    for subscription_id in sorted(keys):
        await update_heads(connection, subscription_id, keys[subscription_id])
    return len(seqs)
