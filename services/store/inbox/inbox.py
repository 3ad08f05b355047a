"""1688's messages, stored once each, and due to every subscription that wants them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects import sqlite as lite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.postgresql import advisory_xact_lock
from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.inbox.batching import Batcher
from services.store.inbox.topics import read_topics
from services.store.notifier import Notifier
from services.store.store import Store

STORING = "storing messages"
"""The lock that whoever stores messages shares, and who makes a subscription holds alone."""
LONGEST_TEXT = 512
"""Characters of an id, a topic or a key; of longer ones their hash is stored: indexes have a limit."""
BATCH_SIZE = 500
"""Messages in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """A message as received."""

    message_id: str
    """1688's id, or a hash of what cannot be read."""
    topic: str
    """Empty where it cannot be read."""
    order_key: str | None
    """1688's order id: messages with the same key are handed out by their time, one after the other."""
    born_ms: int
    """1688's time of the message, milliseconds since the epoch."""
    member_id: str
    """The 1688 member it is about; may be empty."""
    raw: bytes
    """The whole text as received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreResult:
    """What became of messages."""

    new: Sequence[str]
    """Ids of those that were stored now."""
    duplicates: int
    """How many were here already, or came twice."""


def message_key(subscription_id: object) -> str:
    """Return what is woken for messages of a subscription."""
    return f"messages:{subscription_id}"


class Inbox:
    """Where messages go in."""

    def __init__(self, store: Store, wakeups: Notifier) -> None:
        self._store = store
        self._wakeups = wakeups
        self._together = Batcher(self._store_all, together=BATCH_SIZE, waiting=store.limits.waiting)

    async def store(self, incoming: Iterable[IncomingMessage]) -> StoreResult:
        """Store messages in one durable transaction: all of them, or, with StoreUnavailable, perhaps none.

        A message is stored once, by its id, however often it comes. It is due to every subscription that
        takes its topic and exists by now; to later ones if their start time covers it. Calls that come while
        one is being written share the next transaction.
        """
        return await self._together([_fitting(one) for one in incoming])

    async def close(self) -> None:
        """Wait for what is being stored."""
        await self._together.close()

    async def _store_all(self, calls: Sequence[Sequence[IncomingMessage]]) -> list[StoreResult]:
        by_id = {one.message_id: one for came in calls for one in came}
        # Sorted: two replicas that store the same ones do not wait for each other in a ring.
        given = [by_id[message_id] for message_id in sorted(by_id)]
        received_ms = self._store.clock()

        async def work(connection: AsyncConnection) -> tuple[set[str], set[str]]:
            await advisory_xact_lock(connection, STORING, shared=True)
            new: dict[str, int] = {}
            for first in range(0, len(given), BATCH_SIZE):
                new |= await _insert(connection, given[first : first + BATCH_SIZE], received_ms)
            due = await _due(connection, [(by_id[message_id], seq) for message_id, seq in new.items()])
            if due:
                await connection.execute(insert(subscription_messages), due)
            return set(new), {message_key(row["subscription_id"]) for row in due}

        new, woken = await self._store.write(work) if given else (set(), set())
        self._wakeups.wake(*woken)
        return [_told(came, new) for came in calls]


def _told(came: Sequence[IncomingMessage], new: set[str]) -> StoreResult:
    """Tell one of several calls what became of its messages; an id that several brought is new once."""
    first = list(dict.fromkeys(one.message_id for one in came if one.message_id in new))
    new.difference_update(first)
    return StoreResult(new=first, duplicates=len(came) - len(first))


async def _insert(
    connection: AsyncConnection, given: Sequence[IncomingMessage], received_ms: int
) -> dict[str, int]:
    """Insert what is not there yet; return its ids and sequence numbers."""
    rows = [
        {
            "message_id": one.message_id,
            "topic": one.topic,
            "order_key": one.order_key,
            "born_ms": one.born_ms,
            "received_ms": received_ms,
            "member_id": one.member_id,
            "raw": one.raw,
        }
        for one in given
    ]
    upsert = pg.insert if connection.dialect.name == "postgresql" else lite.insert
    statement = upsert(messages).on_conflict_do_nothing().returning(messages.c.message_id, messages.c.seq)
    found = await connection.execute(statement, rows)
    return {row.message_id: row.seq for row in found}


async def _due(
    connection: AsyncConnection, stored: Sequence[tuple[IncomingMessage, int]]
) -> list[dict[str, int | str | None]]:
    """Return a row for each subscription and message that it is to get."""
    if not stored:
        return []
    living = await connection.execute(
        select(subscriptions.c.id, subscriptions.c.topics).where(subscriptions.c.name.is_not(None))
    )
    wanted = [(row.id, read_topics(row.topics)) for row in living]
    return [
        {
            "subscription_id": subscription_id,
            "message_seq": seq,
            "order_key": one.order_key,
            "born_ms": one.born_ms,
            "attempts": 0,
            "lease_until_ms": 0,
        }
        for one, seq in stored
        for subscription_id, topics in wanted
        if not topics or one.topic in topics
    ]


def _fitting(one: IncomingMessage) -> IncomingMessage:
    """Make a message's texts such that both engines take them: nothing that was signed is turned away."""
    return IncomingMessage(
        message_id=_text(one.message_id),
        topic=_text(one.topic),
        order_key=None if one.order_key is None else _text(one.order_key),
        born_ms=min(max(one.born_ms, 0), 2**62),
        member_id=_text(one.member_id),
        raw=one.raw,
    )


def _text(value: str) -> str:
    value = value.encode(errors="replace").decode().replace("\0", "\ufffd")
    if len(value) > LONGEST_TEXT:
        return "sha256:" + hashlib.sha256(value.encode()).hexdigest()
    return value
