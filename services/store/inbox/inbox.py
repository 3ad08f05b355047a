"""Stores 1688's messages, each once, and adds them to the backlog of every matching subscription."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.coordination.notifier import Notifier
from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.database.sql_dialect import advisory_xact_lock, insert_or_update
from services.store.database.store import Store
from services.store.inbox.batcher import Batcher
from services.store.inbox.subscriptions import MESSAGES_LOCK, messages_channel, parse_topics

MAX_TEXT_LENGTH = 512
"""Characters of an id, a topic or a key. The hash of a longer one is stored, because indexes have a limit."""
MAX_TIME_MS = 2**62
BATCH_SIZE = 500
"""Messages in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """A message as received."""

    message_id: str
    """1688's id, or a hash of an unreadable message."""
    topic: str
    """Empty if it cannot be read."""
    ordering_key: str | None
    """1688's order id. Messages with the same key are leased one at a time, in the order of their times."""
    event_time_ms: int
    """1688's time of the message, in milliseconds since the epoch."""
    member_id: str
    """The 1688 member that it concerns; may be empty."""
    raw: bytes
    """The JSON text as received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreResult:
    """The messages of a call that were new."""

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
            self._store_batch, batch_size=BATCH_SIZE, max_pending=store.limits.max_pending
        )

    async def store(self, incoming: Iterable[IncomingMessage]) -> StoreResult:
        """Store messages in one durable transaction. After StoreUnavailable, all or none were stored.

        A message is stored once, by its id, however often it arrives. It is added to the backlog of every
        existing subscription with its topic; a later subscription gets it if its start time covers it.
        Concurrent calls share a transaction.
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
            return set(new_seqs), {messages_channel(row["subscription_id"]) for row in rows}

        new_ids, channels = await self._store.write(work) if incoming else (set(), set())
        self._notifier.notify(*channels)
        return [_take_result(call, new_ids) for call in calls]


def _take_result(call: Sequence[IncomingMessage], new_ids: set[str]) -> StoreResult:
    """Return one call's result. Remove its ids from `new_ids`: to the next call they are duplicates."""
    own_ids = list(dict.fromkeys(message.message_id for message in call if message.message_id in new_ids))
    new_ids.difference_update(own_ids)
    return StoreResult(new_ids=own_ids, duplicate_count=len(call) - len(own_ids))


async def _insert_messages(
    connection: AsyncConnection, incoming: Sequence[IncomingMessage], receive_time_ms: int
) -> dict[str, int]:
    """Insert the messages that are not stored yet. Return their ids and sequence numbers."""
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
        for message in incoming
    ]
    statement = insert_or_update(connection, messages).on_conflict_do_nothing()
    inserted = await connection.execute(statement.returning(messages.c.message_id, messages.c.seq), rows)
    return {row.message_id: row.seq for row in inserted}


async def _build_subscription_rows(
    connection: AsyncConnection, stored: Sequence[tuple[IncomingMessage, int]]
) -> list[dict[str, int | str | None]]:
    """Return a row for each message and subscription with its topic."""
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
            "lease_expire_time_ms": 0,
        }
        for message, seq in stored
        for subscription_id, topics in topics_by_id.items()
        if not topics or message.topic in topics
    ]


def _normalize(message: IncomingMessage) -> IncomingMessage:
    """Return a message that both engines can store. A message with a valid signature is never rejected."""
    return IncomingMessage(
        message_id=_normalize_text(message.message_id),
        topic=_normalize_text(message.topic),
        ordering_key=None if message.ordering_key is None else _normalize_text(message.ordering_key),
        event_time_ms=min(max(message.event_time_ms, 0), MAX_TIME_MS),
        member_id=_normalize_text(message.member_id),
        raw=message.raw,
    )


def _normalize_text(text: str) -> str:
    text = text.encode(errors="replace").decode().replace("\0", "\ufffd")
    if len(text) > MAX_TEXT_LENGTH:
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return text
