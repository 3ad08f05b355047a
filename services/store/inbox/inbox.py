"""Stores 1688's messages, each once, and adds them to the backlog of every matching subscription."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.coordination.notifier import Notifier
from services.store.database.batcher import Batcher
from services.store.database.schema import (
    message_identities,
    messages,
    subscription_messages,
    subscriptions,
)
from services.store.database.sql_dialect import advisory_xact_lock, insert_into
from services.store.database.store import Store
from services.store.inbox.heads import add_heads
from services.store.inbox.subscriptions import MESSAGES_LOCK, messages_channel, parse_topics

MAX_TEXT_LENGTH = 512
"""Characters of an id, a topic or a key. A longer one is replaced by its hash: indexes have a limit."""
MAX_TIME_MS = 2**62
BATCH_SIZE = 500
"""Messages in one statement."""
STORE_TIMEOUT_S = 10.0
"""For a message, with the wait for its transaction. 1688 pushes again what was not stored in time."""


class IncomingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as received."""

    message_id: str
    """1688's id, or a hash of an unreadable message."""
    topic: str
    """Empty if it cannot be read."""
    ordering_key: str | None
    """The purchase order's id. Messages with the same key are leased one at a time, by event time.

    A message without one gets a key of its own."""
    event_time_ms: int
    """1688's time of the message, in milliseconds since the epoch."""
    member_id: str
    """The 1688 member that it concerns; may be empty."""
    raw: bytes
    """The JSON text as received."""
    newest_time_ms: int | None = None
    """The latest of 1688's times of the message; None if it has none. It is not stored."""


class StoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages of one call of `Inbox.store` were new."""

    new_ids: Sequence[str]
    """Ids of the messages that were stored now."""
    duplicate_count: int
    """Messages that were stored before, or repeated in the call."""


class Inbox:
    """Stores messages."""

    def __init__(self, store: Store, notifier: Notifier) -> None:
        self._store = store
        self._notifier = notifier
        self._batcher = Batcher(
            self._store_batch,
            batch_size=BATCH_SIZE,
            max_pending=store.limits.max_pending,
            timeout_s=STORE_TIMEOUT_S,
        )

    async def store(self, incoming: Iterable[IncomingMessage]) -> StoreResult:
        """Store messages in one durable transaction. After StoreUnavailable, all or none were stored.

        A message is stored once, by its id, however often it arrives, even if it was erased or deleted since:
        its identity is retained longer. It is added to the backlog of every
        existing subscription to its topic. A subscription that is created later gets it if its start time is
        early enough. Concurrent calls share a transaction.
        """
        return await self._batcher.submit([_normalize(message) for message in incoming])

    async def close(self) -> None:
        """Wait for pending messages."""
        await self._batcher.close()

    async def _store_batch(self, calls: Sequence[Sequence[IncomingMessage]]) -> list[StoreResult]:
        by_id = {message.message_id: message for call in calls for message in call}
        # Sorted, so that two replicas that store the same messages do not end in a deadlock.
        incoming = [by_id[message_id] for message_id in sorted(by_id)]
        receive_time_ms = self._store.clock()

        async def work(connection: AsyncConnection) -> tuple[set[str], set[str]]:
            await advisory_xact_lock(connection, MESSAGES_LOCK, shared=True)
            new_seqs: dict[str, int] = {}
            for start in range(0, len(incoming), BATCH_SIZE):
                batch = incoming[start : start + BATCH_SIZE]
                new_seqs |= await _insert_messages(connection, batch, receive_time_ms)
            rows = await _build_subscription_rows(
                connection, [(by_id[message_id], seq) for message_id, seq in new_seqs.items()]
            )
            if rows:
                await connection.execute(insert(subscription_messages), rows)
                await add_heads(connection, rows)
            return set(new_seqs), {messages_channel(row["subscription_id"]) for row in rows}

        new_ids, channels = await self._store.write(work) if incoming else (set(), set())
        self._notifier.notify(*channels)
        return [_take_result(call, new_ids) for call in calls]


def _take_result(call: Sequence[IncomingMessage], new_ids: set[str]) -> StoreResult:
    """Return one call's result. Remove its ids from `new_ids`: for the next call they are duplicates."""
    own_ids = list(dict.fromkeys(message.message_id for message in call if message.message_id in new_ids))
    new_ids.difference_update(own_ids)
    return StoreResult(new_ids=own_ids, duplicate_count=len(call) - len(own_ids))


async def _insert_messages(
    connection: AsyncConnection, incoming: Sequence[IncomingMessage], receive_time_ms: int
) -> dict[str, int]:
    """Insert the messages that were never stored. Return their ids and sequence numbers."""
    by_identity = {hashlib.sha256(message.message_id.encode()).digest(): message for message in incoming}
    insert_identities = insert_into(connection, message_identities).on_conflict_do_nothing()
    new_identities = await connection.execute(
        insert_identities.returning(message_identities.c.identity),
        [{"identity": identity, "receive_time_ms": receive_time_ms} for identity in by_identity],
    )
    new_messages = [by_identity[identity] for identity in new_identities.scalars()]
    if not new_messages:
        return {}
    rows = [
        {
            "message_id": message.message_id,
            "topic": message.topic,
            "ordering_key": message.ordering_key,
            "event_time_ms": message.event_time_ms,
            "receive_time_ms": receive_time_ms,
            "member_id": message.member_id,
            "raw": message.raw,
        }
        for message in new_messages
    ]
    statement = insert_into(connection, messages).on_conflict_do_nothing()
    inserted = await connection.execute(statement.returning(messages.c.message_id, messages.c.seq), rows)
    return {row.message_id: row.seq for row in inserted}


async def _build_subscription_rows(
    connection: AsyncConnection, stored: Sequence[tuple[IncomingMessage, int]]
) -> list[dict[str, Any]]:
    """Return a row for each message in each subscription to its topic."""
    if not stored:
        return []
    existing = await connection.execute(
        select(subscriptions.c.id, subscriptions.c.topics).where(subscriptions.c.name.is_not(None))
    )
    topics_by_id = {row.id: parse_topics(row.topics) for row in existing}
    return [
        {
            "subscription_id": subscription_id,
            "message_seq": seq,
            "ordering_key": message.ordering_key,
            "event_time_ms": message.event_time_ms,
            "attempts": 0,
            "lease_id": 0,
            "lease_expire_time_ms": 0,
        }
        for message, seq in stored
        for subscription_id, topics in topics_by_id.items()
        if not topics or message.topic in topics
    ]


def _normalize(message: IncomingMessage) -> IncomingMessage:
    """Replace what an engine cannot store: a message that 1688 has signed must not be rejected.

    A message without an ordering key gets one that no other message has.
    """
    message_id = _normalize_text(message.message_id)
    ordering_key = f"message:{message_id}" if message.ordering_key is None else message.ordering_key
    return IncomingMessage(
        message_id=message_id,
        topic=_normalize_text(message.topic),
        ordering_key=_normalize_text(ordering_key),
        event_time_ms=min(max(message.event_time_ms, 0), MAX_TIME_MS),
        member_id=_normalize_text(message.member_id),
        raw=message.raw,
    )


def _normalize_text(text: str) -> str:
    if len(text) <= MAX_TEXT_LENGTH and text.isascii() and "\0" not in text:
        return text
    text = text.encode(errors="replace").decode().replace("\0", "\ufffd")
    if len(text) > MAX_TEXT_LENGTH:
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return text
