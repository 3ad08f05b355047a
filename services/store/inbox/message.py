"""A stored message, and statements on the backlog of a subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import messages, subscription_messages

BATCH_SIZE = 500
"""Message ids in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A stored message in the backlog of a subscription."""

    message_id: str
    topic: str
    event_time_ms: int
    """1688's time of the message, in milliseconds since the epoch."""
    member_id: str
    raw: bytes
    """The JSON text as received."""
    delivery_attempt: int
    """How often it was leased, this lease included."""
    lease_expire_time_ms: int
    """Its consumer has it alone until then. Of a dead message: when its last lease expired."""

    @classmethod
    def from_row(
        cls, row: "Row[*tuple[Any, ...]]", delivery_attempt: int, lease_expire_time_ms: int
    ) -> "Message":
        """Read a row with the columns of the table `messages`."""
        return cls(
            message_id=row.message_id,
            topic=row.topic,
            event_time_ms=row.event_time_ms,
            member_id=row.member_id,
            raw=row.raw,
            delivery_attempt=delivery_attempt,
            lease_expire_time_ms=lease_expire_time_ms,
        )


def row_filters(subscription_id: int, message_ids: Sequence[str]) -> "list[ColumnElement[bool]]":
    """Return conditions that select a subscription's rows by message ids, in batches."""
    return [
        and_(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.message_seq.in_(
                select(messages.c.seq).where(
                    messages.c.message_id.in_(message_ids[start : start + BATCH_SIZE])
                )
            ),
        )
        for start in range(0, len(message_ids), BATCH_SIZE)
    ]


async def mark_dead(
    connection: AsyncConnection, subscription_id: int, *, max_delivery_attempts: int, now_ms: int
) -> None:
    """Dead-letter the messages whose last allowed lease has expired."""
    await connection.execute(
        update(subscription_messages)
        .where(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.dead_letter_time_ms.is_(None),
            subscription_messages.c.attempts >= max_delivery_attempts,
            subscription_messages.c.lease_expire_time_ms <= now_ms,
        )
        .values(dead_letter_time_ms=subscription_messages.c.lease_expire_time_ms)
    )
