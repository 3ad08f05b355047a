"""Named subscriptions: their topics, their backlog and their number of dead messages."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, and_, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import (
    SubscriptionLimit,
    SubscriptionMismatch,
    SubscriptionNotFound,
    invalid_page_token,
)
from services.opaque_token import decode_token, encode_token
from services.store.coordination.notifier import Notifier
from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.database.sql_dialect import advisory_xact_lock
from services.store.database.store import Store
from services.store.pagination import Page, clamp_page_size, count_fitting

MESSAGES_LOCK = "messages"
"""Advisory lock. Transactions that store messages hold it shared; creating a subscription, exclusively."""
_MAX_OTHER_BYTES = 128
"""Maximum size in a response of what `_count_bytes` does not count: times, numbers, tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionName:
    """The caller's name of a subscription. Each caller has its own names."""

    caller: str
    """The caller's identity; empty for an anonymous caller."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSpec:
    """How a subscription is created."""

    topics: Sequence[str] = ()
    """Empty: all topics."""
    start_time_ms: int | None = None
    """It also gets stored messages whose event time or receive time is not before it. None: none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionLimits:
    """Limits of the number of subscriptions, and of deliveries of a message."""

    max_per_caller: int = 100
    """There is a limit because each subscription has a row of its own for each message."""
    max_delivery_attempts: int = 10
    """A message that is not acknowledged in this many deliveries is dead."""


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

    async def open(self, name: SubscriptionName, create_if_missing: SubscriptionSpec | None = None) -> int:
        """Return the id of a subscription for a consumer.

        With `create_if_missing`, a missing subscription is created. Raises SubscriptionMismatch if it exists
        with other topics, SubscriptionLimit if the caller may not have another one. Without, raises
        SubscriptionNotFound if it is missing.
        """
        if create_if_missing is None:
            return await self.get_id(name)
        row = await self._store.read(lambda connection: _find(connection, name))
        if row is None:
            return await self._store.write(
                lambda connection: self._create(connection, name, create_if_missing)
            )
        return _check_topics(name, row, create_if_missing)

    async def get_id(self, name: SubscriptionName) -> int:
        """Return the id of an existing subscription. Raises SubscriptionNotFound."""
        row = await self._store.read(lambda connection: _find(connection, name))
        if row is None:
            raise _not_found()
        return int(row.id)

    async def get(self, name: SubscriptionName) -> Subscription:
        """Return a subscription. Raises SubscriptionNotFound."""
        statement = self._select_backlogs(name.caller).where(subscriptions.c.name == name.name)
        row = (await self._store.read(lambda connection: connection.execute(statement))).one_or_none()
        if row is None:
            raise _not_found()
        return _from_row(row)

    async def list(self, caller: str, page_size: int = 0, page_token: str = "") -> Page[Subscription]:
        """Return a caller's subscriptions, sorted by name. Raises InvalidRequest (page token).

        A page ends before the size of a response.
        """
        size = clamp_page_size(page_size)
        statement = self._select_backlogs(caller).order_by(subscriptions.c.name).limit(size + 1)
        if page_token:
            statement = statement.where(subscriptions.c.name > _decode_page_token(page_token))
        rows = (await self._store.read(lambda connection: connection.execute(statement))).all()
        listed = rows[: min(size, count_fitting(map(_count_bytes, rows)))]
        return Page(
            items=[_from_row(row) for row in listed],
            next_page_token=encode_token(listed[-1].name) if len(rows) > len(listed) else "",
        )

    async def delete(self, name: SubscriptionName) -> None:
        """Delete a subscription with its backlog. Raises SubscriptionNotFound.

        Consumers that wait for its messages get SubscriptionNotFound, too.
        """
        subscription_id = await self.get_id(name)
        # Only the name is removed here. There may be millions of rows, which retention deletes.
        await self._store.write(
            lambda connection: connection.execute(
                update(subscriptions).where(subscriptions.c.id == subscription_id).values(name=None)
            ),
            on_commit=lambda _: self._notifier.notify(messages_channel(subscription_id)),
        )

    async def _create(
        self, connection: AsyncConnection, name: SubscriptionName, spec: SubscriptionSpec
    ) -> int:
        # With the lock, a transaction that stores messages either ends before, or sees the new subscription.
        await advisory_xact_lock(connection, MESSAGES_LOCK)
        if (row := await _find(connection, name)) is not None:
            return _check_topics(name, row, spec)
        count = select(func.count()).where(
            subscriptions.c.caller == name.caller, subscriptions.c.name.is_not(None)
        )
        if (await connection.execute(count)).scalar_one() >= self.limits.max_per_caller:
            raise SubscriptionLimit(
                "the caller has as many subscriptions as it may have",
                subscriptions_per_caller=self.limits.max_per_caller,
            )
        last_seq = (await connection.execute(select(func.max(messages.c.seq)))).scalar_one() or 0
        now_ms = self._store.clock()
        inserted = await connection.execute(
            insert(subscriptions)
            .values(
                caller=name.caller,
                name=name.name,
                topics=format_topics(spec.topics),
                start_time_ms=spec.start_time_ms,
                create_time_ms=now_ms,
                last_used_time_ms=now_ms,
                backfill_from_seq=last_seq if spec.start_time_ms is None else 0,
                backfill_to_seq=last_seq,
            )
            .returning(subscriptions.c.id)
        )
        return int(inserted.scalar_one())

    def _select_backlogs(self, caller: str) -> "Select[str, str, str, int, int, int, int]":
        backlogs = select_backlogs(self._store.clock(), self.limits.max_delivery_attempts)
        return backlogs.where(subscriptions.c.caller == caller)


def messages_channel(subscription_id: object) -> str:
    """Return the channel of the notifier for a subscription's messages."""
    return f"messages:{subscription_id}"


def format_topics(topics: Iterable[str]) -> str:
    """Return the stored form of topics, which does not depend on their order."""
    return json.dumps(sorted(set(topics)))


def parse_topics(text: str) -> tuple[str, ...]:
    """Return stored topics, sorted. An empty tuple means all topics."""
    return tuple(json.loads(text))


def select_backlogs(now_ms: int, max_delivery_attempts: int) -> "Select[str, str, str, int, int, int, int]":
    """Select all subscriptions with their counts. Messages that `mark_dead` would mark count as dead."""
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


def _check_topics(name: SubscriptionName, row: "Row[int, str]", spec: SubscriptionSpec) -> int:
    """Return the id of an existing subscription. Raises SubscriptionMismatch."""
    if format_topics(spec.topics) != row.topics:
        raise SubscriptionMismatch(
            "the subscription exists with other topics",
            subscription=name.name,
            topics=",".join(parse_topics(row.topics)),
        )
    return int(row.id)


def _from_row(row: "Row[str, str, str, int, int, int, int]") -> Subscription:
    return Subscription(
        name=row.name,
        topics=parse_topics(row.topics),
        create_time_ms=row.create_time_ms,
        backlog=row.backlog,
        oldest_event_time_ms=row.oldest_event_time_ms,
        dead_messages=row.dead_messages,
    )


def _count_bytes(row: "Row[str, str, str, int, int, int, int]") -> int:
    """Return an upper bound of the size of a subscription in a response."""
    return _MAX_OTHER_BYTES + len(row.name.encode()) + len(row.topics.encode())


def _decode_page_token(page_token: str) -> str:
    """Return the name after which the page begins."""
    try:
        (name,) = decode_token(page_token)
    except ValueError as error:
        raise invalid_page_token() from error
    return name


def _not_found() -> SubscriptionNotFound:
    return SubscriptionNotFound("no subscription has this name")


async def _find(connection: AsyncConnection, name: SubscriptionName) -> "Row[int, str] | None":
    rows = await connection.execute(
        select(subscriptions.c.id, subscriptions.c.topics).where(
            subscriptions.c.caller == name.caller, subscriptions.c.name == name.name
        )
    )
    return rows.one_or_none()
