"""Named subscriptions: their topics, their backlog and their number of dead messages."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, and_, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import Overloaded, SubscriptionMismatch, SubscriptionNotFound
from services.store.coordination.notifier import Notifier
from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.database.sql_dialect import advisory_xact_lock
from services.store.database.store import Store

MESSAGES_LOCK = "messages"
"""Shared by transactions that store messages, exclusive while a subscription is created."""
LAST_USED_RESOLUTION_MS = 60_000
"""The last use of a subscription is recorded this often at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionName:
    """The caller's name of a subscription. Each caller has its own names."""

    caller: str
    """The caller's identity; empty for an anonymous caller."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionLimits:
    """The number of subscriptions, and of deliveries of a message."""

    max_per_caller: int = 100
    """Each subscription costs a row for each message."""
    max_delivery_attempts: int = 10
    """A message that is not acknowledged after so many is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription and the size of its backlog."""

    name: str
    topics: Sequence[str]
    """Sorted. Empty means all."""
    create_time_ms: int
    backlog: int
    """Messages that are neither acknowledged nor dead. Leased ones count."""
    oldest_event_time_ms: int | None
    """1688's time of the oldest message of the backlog."""
    dead_messages: int


class Subscriptions:
    """Creates, lists and deletes subscriptions."""

    def __init__(self, store: Store, notifier: Notifier, limits: SubscriptionLimits | None = None) -> None:
        self._store = store
        self._notifier = notifier
        self.limits = limits or SubscriptionLimits()

    async def get_or_create(
        self, name: SubscriptionName, topics: Sequence[str] = (), start_time_ms: int | None = None
    ) -> int:
        """Return the id of a subscription. Create it if it does not exist.

        A new one gets messages with these `topics` (empty: all) that are stored from now on. With
        `start_time_ms` it also gets stored messages that happened or were received since then. An existing
        one keeps its topics: SubscriptionMismatch is raised for other topics, but not for empty ones. Raises
        Overloaded if the caller has too many subscriptions.
        """
        row = await self._store.read(lambda connection: _find(connection, name))
        if row is None:
            return await self._store.write(
                lambda connection: self._create(connection, name, topics, start_time_ms)
            )
        self._check_topics(row, topics)
        if row.last_used_time_ms <= self._store.clock() - LAST_USED_RESOLUTION_MS:
            await self._store.write(lambda connection: self._record_use(connection, row.id))
        return int(row.id)

    async def get_id(self, name: SubscriptionName) -> int:
        """Return the id of an existing subscription. Raises SubscriptionNotFound."""
        row = await self._store.read(lambda connection: _find(connection, name))
        if row is None:
            raise SubscriptionNotFound("no subscription of this name")
        return int(row.id)

    async def list(self, caller: str) -> list[Subscription]:
        """Return a caller's subscriptions, sorted by name."""
        backlogs = select_backlogs(self._store.clock(), self.limits.max_delivery_attempts)
        statement = backlogs.where(subscriptions.c.caller == caller).order_by(subscriptions.c.name)
        rows = await self._store.read(lambda connection: connection.execute(statement))
        return [
            Subscription(
                name=row.name,
                topics=parse_topics(row.topics),
                create_time_ms=row.create_time_ms,
                backlog=row.backlog,
                oldest_event_time_ms=row.oldest_event_time_ms,
                dead_messages=row.dead_messages,
            )
            for row in rows
        ]

    async def delete(self, name: SubscriptionName) -> None:
        """Delete a subscription with its backlog. Raises SubscriptionNotFound, also to waiting consumers.

        The next use of the name creates a new subscription.
        """
        subscription_id = await self.get_id(name)
        # Only the name is removed here. There may be millions of rows, which retention deletes.
        await self._store.write(
            lambda connection: connection.execute(
                update(subscriptions).where(subscriptions.c.id == subscription_id).values(name=None)
            )
        )
        self._notifier.notify(messages_channel(subscription_id))

    async def _create(
        self,
        connection: AsyncConnection,
        name: SubscriptionName,
        topics: Sequence[str],
        start_time_ms: int | None,
    ) -> int:
        # With the lock, every message is either stored before, or finds the subscription.
        await advisory_xact_lock(connection, MESSAGES_LOCK)
        if (row := await _find(connection, name)) is not None:
            self._check_topics(row, topics)
            return int(row.id)
        count = select(func.count()).where(
            subscriptions.c.caller == name.caller, subscriptions.c.name.is_not(None)
        )
        if (await connection.execute(count)).scalar_one() >= self.limits.max_per_caller:
            raise Overloaded(f"a caller has at most {self.limits.max_per_caller} subscriptions")
        last_seq = (await connection.execute(select(func.max(messages.c.seq)))).scalar_one() or 0
        now_ms = self._store.clock()
        inserted = await connection.execute(
            insert(subscriptions)
            .values(
                caller=name.caller,
                name=name.name,
                topics=format_topics(topics),
                start_time_ms=start_time_ms,
                create_time_ms=now_ms,
                last_used_time_ms=now_ms,
                backfill_from_seq=last_seq if start_time_ms is None else 0,
                backfill_to_seq=last_seq,
            )
            .returning(subscriptions.c.id)
        )
        return int(inserted.scalar_one())

    async def _record_use(self, connection: AsyncConnection, subscription_id: int) -> None:
        await connection.execute(
            update(subscriptions)
            .where(subscriptions.c.id == subscription_id)
            .values(last_used_time_ms=self._store.clock())
        )

    @staticmethod
    def _check_topics(row: "Row[int, str, int]", topics: Sequence[str]) -> None:
        if topics and format_topics(topics) != row.topics:
            raise SubscriptionMismatch("the subscription exists with other topics")


def messages_channel(subscription_id: object) -> str:
    """Return the channel that is notified of a subscription's messages."""
    return f"messages:{subscription_id}"


def format_topics(topics: Iterable[str]) -> str:
    """Return the stored form of topics, which does not depend on their order."""
    return json.dumps(sorted(set(topics)))


def parse_topics(text: str) -> tuple[str, ...]:
    """Return stored topics, sorted. An empty tuple means all topics."""
    return tuple(json.loads(text))


def select_backlogs(now_ms: int, max_delivery_attempts: int) -> "Select[str, str, str, int, int, int, int]":
    """Select all subscriptions with their counts. Messages that will be dead-lettered count as dead."""
    is_dead = or_(
        subscription_messages.c.dead_letter_time_ms.is_not(None),
        and_(
            subscription_messages.c.attempts >= max_delivery_attempts,
            subscription_messages.c.lease_expire_time_ms <= now_ms,
        ),
    )
    has_message = subscription_messages.c.message_seq.is_not(None)  # false for an empty backlog
    return (
        select(
            subscriptions.c.caller,
            subscriptions.c.name,
            subscriptions.c.topics,
            subscriptions.c.create_time_ms,
            func.count(case((and_(has_message, ~is_dead), 1))).label("backlog"),
            func.min(case((~is_dead, subscription_messages.c.event_time_ms))).label("oldest_event_time_ms"),
            func.count(case((and_(has_message, is_dead), 1))).label("dead_messages"),
        )
        .select_from(
            subscriptions.outerjoin(
                subscription_messages, subscription_messages.c.subscription_id == subscriptions.c.id
            )
        )
        .where(subscriptions.c.name.is_not(None))
        .group_by(subscriptions.c.id)
    )


async def _find(connection: AsyncConnection, name: SubscriptionName) -> "Row[int, str, int] | None":
    rows = await connection.execute(
        select(subscriptions.c.id, subscriptions.c.topics, subscriptions.c.last_used_time_ms).where(
            subscriptions.c.caller == name.caller, subscriptions.c.name == name.name
        )
    )
    return rows.one_or_none()
