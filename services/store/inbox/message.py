"""A stored message, and the rows that a subscription has of messages."""

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
    """A stored message, as one subscription sees it."""

    message_id: str
    topic: str
    born_ms: int
    """1688's time of the message, milliseconds since the epoch."""
    member_id: str
    raw: bytes
    """The whole text as received."""
    delivery_attempt: int
    """How often it was handed out, this time included."""
    lease_until_ms: int
    """Whom it is handed to has it alone until then; of a dead one, when its last lease ended."""


def message_of(row: "Row[*tuple[Any, ...]]", delivery_attempt: int, lease_until_ms: int) -> Message:
    """Read a row that has the columns of the table."""
    return Message(
        message_id=row.message_id,
        topic=row.topic,
        born_ms=row.born_ms,
        member_id=row.member_id,
        raw=row.raw,
        delivery_attempt=delivery_attempt,
        lease_until_ms=lease_until_ms,
    )


def row_filters(subscription_id: int, message_ids: Sequence[str]) -> "list[ColumnElement[bool]]":
    """Return conditions that choose a subscription's rows by message ids, a bounded number each."""
    return [
        and_(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.message_seq.in_(
                select(messages.c.seq).where(
                    messages.c.message_id.in_(message_ids[first : first + BATCH_SIZE])
                )
            ),
        )
        for first in range(0, len(message_ids), BATCH_SIZE)
    ]


async def mark_dead(
    connection: AsyncConnection, subscription_id: int, *, most_deliveries: int, now_ms: int
) -> None:
    """Declare dead what was handed out often enough, and whose last lease has ended."""
    await connection.execute(
        update(subscription_messages)
        .where(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.dead_ms.is_(None),
            subscription_messages.c.attempts >= most_deliveries,
            subscription_messages.c.lease_until_ms <= now_ms,
        )
        .values(dead_ms=subscription_messages.c.lease_until_ms)
    )
