"""Named subscriptions: who gets which messages, and how far behind it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, and_, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import Overloaded, SubscriptionMismatch, SubscriptionNotFound
from services.store.database.postgresql import advisory_xact_lock
from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.inbox.inbox import STORING, message_key
from services.store.inbox.topics import read_topics, write_topics
from services.store.notifier import Notifier
from services.store.store import Store

USE_NOTED_MS = 60_000
"""A use is noted when the last one noted is older than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionName:
    """A subscription, as its consumers know it."""

    caller: str
    """The caller's identity; empty for callers without one."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionLimits:
    """How many there may be, and how often a message is handed out."""

    most_per_caller: int = 100
    """Each one costs a row per message."""
    most_deliveries: int = 10
    """After so many without an acknowledgement a message is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription and what it still has before it."""

    name: str
    topics: Sequence[str]
    """Sorted; empty: all."""
    create_ms: int
    backlog: int
    """Messages not acknowledged and not dead; those that are out under a lease count."""
    oldest_born_ms: int | None
    """1688's time of the oldest message of the backlog."""
    dead_messages: int


class Subscriptions:
    """Makes, lists and deletes them."""

    def __init__(self, store: Store, wakeups: Notifier, limits: SubscriptionLimits | None = None) -> None:
        self._store = store
        self._wakeups = wakeups
        self.limits = limits or SubscriptionLimits()

    async def use(
        self, name: SubscriptionName, topics: Sequence[str] = (), start_ms: int | None = None
    ) -> int:
        """Return the id of a subscription; its first use makes it.

        A new one takes `topics` (none: all), and gets what is stored from now on; with `start_ms` also
        what is still kept of the messages that were born or received since. An existing one keeps its own:
        SubscriptionMismatch where other topics are named, and none named asks for nothing. Raises Overloaded
        where the caller has too many.
        """
        row = await self._store.read(lambda connection: _find(connection, name))
        if row is None:
            return await self._store.write(
                lambda connection: self._create(connection, name, topics, start_ms)
            )
        self._check(row, topics)
        if row.used_ms <= self._store.clock() - USE_NOTED_MS:
            await self._store.write(lambda connection: self._note_use(connection, row.id))
        return int(row.id)

    async def id_of(self, name: SubscriptionName) -> int:
        """Return the id of an existing subscription. Raises SubscriptionNotFound."""
        row = await self._store.read(lambda connection: _find(connection, name))
        if row is None:
            raise SubscriptionNotFound("no subscription of this name")
        return int(row.id)

    async def list(self, caller: str) -> list[Subscription]:
        """Return a caller's subscriptions by name."""
        every = select_backlog(self._store.clock(), self.limits.most_deliveries)
        statement = every.where(subscriptions.c.caller == caller).order_by(subscriptions.c.name)
        rows = await self._store.read(lambda connection: connection.execute(statement))
        return [
            Subscription(
                name=row.name,
                topics=read_topics(row.topics),
                create_ms=row.create_ms,
                backlog=row.backlog,
                oldest_born_ms=row.oldest_born_ms,
                dead_messages=row.dead,
            )
            for row in rows
        ]

    async def delete(self, name: SubscriptionName) -> None:
        """Delete a subscription with its backlog: its consumers get SubscriptionNotFound. Raises it, too.

        A later use of the name makes a new one.
        """
        subscription_id = await self.id_of(name)
        # Only its name goes now; what it leaves behind may be millions of rows, and goes with the retention.
        await self._store.write(
            lambda connection: connection.execute(
                update(subscriptions).where(subscriptions.c.id == subscription_id).values(name=None)
            )
        )
        self._wakeups.wake(message_key(subscription_id))

    async def _create(
        self, connection: AsyncConnection, name: SubscriptionName, topics: Sequence[str], start_ms: int | None
    ) -> int:
        # Alone: every message is either stored by now, or will find the subscription.
        await advisory_xact_lock(connection, STORING)
        if (row := await _find(connection, name)) is not None:
            self._check(row, topics)
            return int(row.id)
        owned = select(func.count()).where(
            subscriptions.c.caller == name.caller, subscriptions.c.name.is_not(None)
        )
        if (await connection.execute(owned)).scalar_one() >= self.limits.most_per_caller:
            raise Overloaded(f"a caller has at most {self.limits.most_per_caller} subscriptions")
        newest = (await connection.execute(select(func.max(messages.c.seq)))).scalar_one() or 0
        now_ms = self._store.clock()
        made = await connection.execute(
            insert(subscriptions)
            .values(
                caller=name.caller,
                name=name.name,
                topics=write_topics(topics),
                start_ms=start_ms,
                create_ms=now_ms,
                used_ms=now_ms,
                fill_from_seq=0 if start_ms is not None else newest,
                fill_to_seq=newest,
            )
            .returning(subscriptions.c.id)
        )
        return int(made.scalar_one())

    async def _note_use(self, connection: AsyncConnection, subscription_id: int) -> None:
        await connection.execute(
            update(subscriptions)
            .where(subscriptions.c.id == subscription_id)
            .values(used_ms=self._store.clock())
        )

    @staticmethod
    def _check(row: "Row[int, str, int]", topics: Sequence[str]) -> None:
        if topics and write_topics(topics) != row.topics:
            raise SubscriptionMismatch("the subscription exists with other topics")


async def _find(connection: AsyncConnection, name: SubscriptionName) -> "Row[int, str, int] | None":
    found = await connection.execute(
        select(subscriptions.c.id, subscriptions.c.topics, subscriptions.c.used_ms).where(
            subscriptions.c.caller == name.caller, subscriptions.c.name == name.name
        )
    )
    return found.one_or_none()


def select_backlog(now_ms: int, most_deliveries: int) -> "Select[str, str, str, int, int, int, int]":
    """Select subscriptions with their counts; what only has to be declared dead counts as dead."""
    dead = or_(
        subscription_messages.c.dead_ms.is_not(None),
        and_(
            subscription_messages.c.attempts >= most_deliveries,
            subscription_messages.c.lease_until_ms <= now_ms,
        ),
    )
    there = subscription_messages.c.message_seq.is_not(None)
    return (
        select(
            subscriptions.c.caller,
            subscriptions.c.name,
            subscriptions.c.topics,
            subscriptions.c.create_ms,
            func.count(case((and_(there, ~dead), 1))).label("backlog"),
            func.min(case((~dead, subscription_messages.c.born_ms))).label("oldest_born_ms"),
            func.count(case((and_(there, dead), 1))).label("dead"),
        )
        .select_from(
            subscriptions.outerjoin(
                subscription_messages, subscription_messages.c.subscription_id == subscriptions.c.id
            )
        )
        .where(subscriptions.c.name.is_not(None))
        .group_by(subscriptions.c.id)
    )
