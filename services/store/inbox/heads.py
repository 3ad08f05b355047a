"""The heads: the first pending message of each ordering key of a subscription. Only it can be leased.

The table `message_heads` has a row for each ordering key with pending messages, so that the cost of finding
the next messages does not grow with the backlog. Every transaction that makes messages pending, or removes
pending ones, updates the heads of their keys after it has changed the messages. On PostgreSQL it locks the
heads: a second transaction that changes messages of the key waits, and then sees what the first one has
changed. The locks are taken in the order of subscriptions and keys, so that there is no deadlock. So a
transaction updates the heads of a subscription once, with all keys.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Select,
    Update,
    bindparam,
    collate,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import message_heads, subscription_messages
from services.store.database.sql_dialect import INSERT, Insert, is_in

HEAD_COLUMNS = tuple(subscription_messages.c[column.name] for column in message_heads.c)
"""The columns of `subscription_messages` that `add_heads` needs."""


async def add_heads(connection: AsyncConnection, rows: Iterable[Mapping[Any, Any]]) -> None:
    """Update the heads of the keys of rows of `subscription_messages` that are pending now."""
    first_rows: dict[tuple[int, str], Mapping[Any, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["event_time_ms"], row["message_seq"])):
        first_rows.setdefault((row["subscription_id"], row["ordering_key"]), row)
    heads = [
        {column.name: first_rows[key][column.name] for column in HEAD_COLUMNS} for key in sorted(first_rows)
    ]
    if heads:
        await connection.execute(_upsert_heads(connection.dialect.name), heads)


async def update_heads(
    connection: AsyncConnection, subscription_id: int, ordering_keys: Iterable[str]
) -> int:
    """Update the heads of keys from which pending messages were removed.

    Return how many of the keys still have a head.
    """
    keys = sorted(set(ordering_keys))
    if not keys:
        return 0
    parameters = {"subscription_id_": subscription_id, "ordering_keys": keys}
    if connection.dialect.name == "postgresql":
        await connection.execute(_LOCK, parameters)
    await connection.execute(_DELETE, parameters)
    return (await connection.execute(_MOVE, parameters)).rowcount


@cache
def _upsert_heads(engine: str) -> Insert:
    insert = INSERT[engine](message_heads)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["subscription_id", "ordering_key"],
        set_={"event_time_ms": new.event_time_ms, "message_seq": new.message_seq},
        where=tuple_(new.event_time_ms, new.message_seq)
        < tuple_(message_heads.c.event_time_ms, message_heads.c.message_seq),
    )


_HAS_KEY = (message_heads.c.subscription_id == bindparam("subscription_id_", type_=BigInteger)) & is_in(
    message_heads.c.ordering_key, "ordering_keys"
)
_IS_PENDING_OF_KEY: "Sequence[ColumnElement[bool]]" = (
    subscription_messages.c.subscription_id == message_heads.c.subscription_id,
    subscription_messages.c.ordering_key == message_heads.c.ordering_key,
    subscription_messages.c.dead_letter_time_ms.is_(None),
)


def _select_first(name: str) -> "Select[Any]":
    """Select a column of the first pending message of a head's key."""
    return (
        select(subscription_messages.c[name])
        .where(*_IS_PENDING_OF_KEY)
        .order_by(subscription_messages.c.event_time_ms, subscription_messages.c.message_seq)
        .limit(1)
    )


_LOCK: "Select[Any]" = (
    select(message_heads.c.message_seq)
    .where(_HAS_KEY)
    .order_by(collate(message_heads.c.ordering_key, "C"))  # as Python sorts them in `add_heads`
    .with_for_update()
)
_DELETE: Delete = delete(message_heads).where(
    # Without statistics, PostgreSQL would join NOT EXISTS with all messages of the subscription.
    _HAS_KEY,
    _select_first("message_seq").scalar_subquery().is_(None),
)
_MOVE: Update = (
    update(message_heads)
    .where(_HAS_KEY)
    .values({name: _select_first(name).scalar_subquery() for name in ("event_time_ms", "message_seq")})
)
