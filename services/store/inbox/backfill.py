"""Fills a new subscription with messages older than itself, a window at a time: there may be millions."""

from sqlalchemy import BigInteger, Integer, cast, insert, literal, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.inbox.topics import read_topics

WINDOW = 2000
"""Sequence numbers that are looked at in one transaction."""


async def backfill_batch(connection: AsyncConnection, subscription_id: int) -> bool:
    """Look at the next window of older messages. Return whether there is nothing left to fill in."""
    found = await connection.execute(
        select(
            subscriptions.c.topics,
            subscriptions.c.start_ms,
            subscriptions.c.fill_from_seq,
            subscriptions.c.fill_to_seq,
        ).where(subscriptions.c.id == subscription_id)
    )
    row = found.one()
    if row.fill_from_seq >= row.fill_to_seq:
        return True
    # Retention may have left nothing for a long way.
    first = await connection.execute(
        select(messages.c.seq).where(messages.c.seq > row.fill_from_seq).order_by(messages.c.seq).limit(1)
    )
    begin = first.scalar() or row.fill_to_seq + 1
    end = min(begin + WINDOW - 1, row.fill_to_seq)
    older = (
        select(
            literal(subscription_id, BigInteger),
            messages.c.seq,
            messages.c.order_key,
            messages.c.born_ms,
            literal(0, Integer),
            literal(0, BigInteger),
            cast(null(), BigInteger),
        )
        .where(messages.c.seq.between(begin, end))
        .where(or_(messages.c.received_ms >= row.start_ms, messages.c.born_ms >= row.start_ms))
        .with_for_update(key_share=True, read=True)  # what retention removes just now is left out
    )
    if topics := read_topics(row.topics):
        older = older.where(messages.c.topic.in_(topics))
    names = (
        "subscription_id",
        "message_seq",
        "order_key",
        "born_ms",
        "attempts",
        "lease_until_ms",
        "dead_ms",
    )
    await connection.execute(insert(subscription_messages).from_select(names, older))
    await connection.execute(
        update(subscriptions).where(subscriptions.c.id == subscription_id).values(fill_from_seq=end)
    )
    return bool(end >= row.fill_to_seq)
