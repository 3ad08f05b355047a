"""Adds stored messages to a new subscription, in batches, because there may be millions."""

from sqlalchemy import BigInteger, Integer, cast, insert, literal, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.inbox.heads import HEAD_COLUMNS, add_heads
from services.store.inbox.subscriptions import parse_topics

BATCH_SIZE = 2000
"""Sequence numbers that one transaction covers."""


async def backfill_batch(connection: AsyncConnection, subscription_id: int) -> bool:
    """Add the matching messages of the next batch. Return whether the backfill is complete."""
    rows = await connection.execute(
        select(
            subscriptions.c.topics,
            subscriptions.c.start_time_ms,
            subscriptions.c.backfill_from_seq,
            subscriptions.c.backfill_to_seq,
        ).where(subscriptions.c.id == subscription_id)
    )
    subscription = rows.one()
    if subscription.backfill_from_seq >= subscription.backfill_to_seq:
        return True
    # Begin at the next existing message: retention may have left a large gap.
    first = await connection.execute(
        select(messages.c.seq)
        .where(messages.c.seq > subscription.backfill_from_seq)
        .order_by(messages.c.seq)
        .limit(1)
    )
    first_seq = first.scalar() or subscription.backfill_to_seq + 1
    last_seq = min(first_seq + BATCH_SIZE - 1, subscription.backfill_to_seq)
    matching = (
        select(
            literal(subscription_id, BigInteger),
            messages.c.seq,
            messages.c.ordering_key,
            messages.c.event_time_ms,
            literal(0, Integer),
            literal(0, BigInteger),
            literal(0, BigInteger),
            cast(null(), BigInteger),
        )
        .where(messages.c.seq.between(first_seq, last_seq))
        .where(
            or_(
                messages.c.receive_time_ms >= subscription.start_time_ms,
                messages.c.event_time_ms >= subscription.start_time_ms,
            )
        )
        .with_for_update(key_share=True, read=True)  # retention must not delete them meanwhile
    )
    if topics := parse_topics(subscription.topics):
        matching = matching.where(messages.c.topic.in_(topics))
    columns = (
        "subscription_id",
        "message_seq",
        "ordering_key",
        "event_time_ms",
        "attempts",
        "lease_id",
        "lease_expire_time_ms",
        "dead_letter_time_ms",
    )
    inserted = await connection.execute(
        insert(subscription_messages).from_select(columns, matching).returning(*HEAD_COLUMNS)
    )
    await add_heads(connection, inserted.mappings())
    await connection.execute(
        update(subscriptions).where(subscriptions.c.id == subscription_id).values(backfill_from_seq=last_seq)
    )
    return bool(last_seq >= subscription.backfill_to_seq)
