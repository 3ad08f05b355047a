"""Leases each message of a subscription to its consumers, at least once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Select, delete, exists, func, not_, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import NationalsiteError, SubscriptionNotFound
from services.store.coordination.notifier import POLL_INTERVAL_S, Notifier, wait_for_event
from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.database.store import Store
from services.store.inbox.backfill import backfill_batch
from services.store.inbox.message import Message, mark_dead, row_filters
from services.store.inbox.subscriptions import SubscriptionName, Subscriptions, messages_channel

MAX_MESSAGES = 1000
"""Messages in one lease call, at most."""
EXPIRY_MARGIN_S = 0.01
"""The wait for the expiry of a lease ends this long after it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _PollResult:
    messages: list[Message]
    """The messages that were leased."""
    next_expire_time_ms: int | None
    """When the next lease expires."""
    is_backfilled: bool
    """Whether the backfill is complete. If not, poll again at once."""


class MessageDispatcher:
    """Leases messages to consumers, and takes their acknowledgements.

    Consumers of one subscription share its messages. Messages with the same ordering key are leased one at a
    time, in the order of their event times. A message may arrive after newer ones of its
    key were leased: it is then the next of its key, as soon as none of them is leased.
    """

    def __init__(self, store: Store, notifier: Notifier, subscriptions: Subscriptions) -> None:
        self._store = store
        self._notifier = notifier
        self._subscriptions = subscriptions
        self._release_tasks: set[asyncio.Task[None]] = set()
        # One poll of a subscription at a time in a process: others would wait for its row lock, each with a
        # connection.
        self._poll_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def lease(
        self,
        name: SubscriptionName,
        *,
        limit: int,
        lease_s: float,
        wait_s: float,
        topics: Sequence[str] = (),
        start_time_ms: int | None = None,
    ) -> list[Message]:
        """Lease up to `limit` messages for `lease_s`. If there are none, wait up to `wait_s`.

        The subscription is created if necessary; `topics` and `start_time_ms` are those of
        `Subscriptions.get_or_create`. A message that is not acknowledged before its lease expires is leased
        again, and is dead after `max_delivery_attempts`. If the caller is cancelled, its messages are
        released.

        Raises SubscriptionMismatch, Overloaded, SubscriptionNotFound (deleted meanwhile), StoreUnavailable.
        """
        subscription_id = await self._subscriptions.get_or_create(name, topics, start_time_ms)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        with self._notifier.watch(messages_channel(subscription_id)) as notified:
            while True:
                notified.clear()
                result = await self._poll(subscription_id, min(limit, MAX_MESSAGES), lease_s)
                remaining_s = deadline - loop.time()
                if result.messages or remaining_s <= 0:
                    return result.messages
                if result.is_backfilled:
                    expiry_s = self._seconds_until(result.next_expire_time_ms)
                    await wait_for_event(notified, min(remaining_s, POLL_INTERVAL_S, expiry_s))

    async def ack(self, name: SubscriptionName, message_ids: Sequence[str]) -> int:
        """Acknowledge messages, which are then never leased again. Return their number.

        Dead messages can be acknowledged. Ids are ignored if they are unknown, acknowledged already, or were
        never leased. Raises SubscriptionNotFound.
        """
        subscription_id = await self._subscriptions.get_id(name)

        async def work(connection: AsyncConnection) -> list[str | None]:
            ordering_keys: list[str | None] = []
            for is_selected in row_filters(subscription_id, message_ids):
                statement = (
                    delete(subscription_messages)
                    .where(is_selected, subscription_messages.c.attempts > 0)
                    .returning(subscription_messages.c.ordering_key)
                )
                ordering_keys += (await connection.execute(statement)).scalars()
            return ordering_keys

        ordering_keys = await self._store.write(work)
        if any(ordering_key is not None for ordering_key in ordering_keys):
            self._notifier.notify(messages_channel(subscription_id))  # the next of the key is available
        return len(ordering_keys)

    async def set_lease(self, name: SubscriptionName, message_ids: Sequence[str], lease_s: float) -> int:
        """Let leases expire in `lease_s` from now: more to extend them, 0 to release the messages.

        An expired lease cannot be extended, because another consumer may have the message. Return the number
        of changed leases. Raises SubscriptionNotFound.
        """
        subscription_id = await self._subscriptions.get_id(name)
        now_ms = self._store.clock()
        expire_time_ms = now_ms + round(lease_s * 1000)

        async def work(connection: AsyncConnection) -> int:
            changed = 0
            for is_selected in row_filters(subscription_id, message_ids):
                statement = update(subscription_messages).where(
                    is_selected, subscription_messages.c.lease_expire_time_ms > now_ms
                )
                result = await connection.execute(statement.values(lease_expire_time_ms=expire_time_ms))
                changed += result.rowcount
            return changed

        changed = await self._store.write(work)
        if changed:
            # Waiting consumers know only the old expiry.
            self._notifier.notify(messages_channel(subscription_id))
        return changed

    async def close(self) -> None:
        """Wait until the messages of cancelled callers are released."""
        while self._release_tasks:
            await asyncio.wait(self._release_tasks)

    async def _poll(self, subscription_id: int, limit: int, lease_s: float) -> _PollResult:
        lock = self._poll_locks.setdefault(subscription_id, asyncio.Lock())
        async with lock:
            poll_task = asyncio.create_task(
                self._store.write(lambda connection: self._lease(connection, subscription_id, limit, lease_s))
            )
            try:
                return await asyncio.shield(poll_task)
            except asyncio.CancelledError:
                task = asyncio.create_task(self._release(subscription_id, poll_task))
                self._release_tasks.add(task)
                task.add_done_callback(self._release_tasks.discard)
                raise

    async def _release(self, subscription_id: int, poll_task: "asyncio.Task[_PollResult]") -> None:
        """Undo the leases of a cancelled caller. If that fails, they expire."""
        try:
            leased = (await poll_task).messages
            if not leased:
                return
            undo = [
                update(subscription_messages)
                .where(
                    is_selected,
                    subscription_messages.c.lease_expire_time_ms == leased[0].lease_expire_time_ms,
                )
                .values(lease_expire_time_ms=0, attempts=subscription_messages.c.attempts - 1)
                for is_selected in row_filters(subscription_id, [message.message_id for message in leased])
            ]

            async def work(connection: AsyncConnection) -> None:
                for statement in undo:
                    await connection.execute(statement)

            await self._store.write(work)
            self._notifier.notify(messages_channel(subscription_id))
        except NationalsiteError as error:
            _log.info("messages_not_released", reason=error.reason)

    async def _lease(
        self, connection: AsyncConnection, subscription_id: int, limit: int, lease_s: float
    ) -> _PollResult:
        # The row lock lets one replica at a time poll a subscription. Two could not see each other's leases,
        # and would lease two messages of one ordering key.
        locked = await connection.execute(
            select(subscriptions.c.id)
            .where(subscriptions.c.id == subscription_id, subscriptions.c.name.is_not(None))
            .with_for_update()
        )
        if locked.one_or_none() is None:
            raise SubscriptionNotFound("the subscription was deleted")
        if not await backfill_batch(connection, subscription_id):
            return _PollResult(messages=[], next_expire_time_ms=None, is_backfilled=False)
        now_ms = self._store.clock()
        await mark_dead(
            connection,
            subscription_id,
            max_delivery_attempts=self._subscriptions.limits.max_delivery_attempts,
            now_ms=now_ms,
        )
        available = (await connection.execute(_select_available(subscription_id, now_ms, limit))).all()
        if not available:
            next_expire_time_ms = await _find_next_expire_time_ms(connection, subscription_id, now_ms)
            return _PollResult(messages=[], next_expire_time_ms=next_expire_time_ms, is_backfilled=True)
        expire_time_ms = now_ms + round(lease_s * 1000)
        updated = await connection.execute(
            update(subscription_messages)
            .where(
                subscription_messages.c.subscription_id == subscription_id,
                subscription_messages.c.message_seq.in_([row.seq for row in available]),
            )
            .values(attempts=subscription_messages.c.attempts + 1, lease_expire_time_ms=expire_time_ms)
            .returning(subscription_messages.c.message_seq, subscription_messages.c.attempts)
        )
        attempts = {row.message_seq: row.attempts for row in updated}
        leased = [
            Message.from_row(row, attempts[row.seq], expire_time_ms)
            for row in available
            if row.seq in attempts  # else it was acknowledged meanwhile
        ]
        return _PollResult(messages=leased, next_expire_time_ms=None, is_backfilled=True)

    def _seconds_until(self, expire_time_ms: int | None) -> float:
        if expire_time_ms is None:
            return POLL_INTERVAL_S
        return max(0, expire_time_ms - self._store.clock()) / 1000 + EXPIRY_MARGIN_S


def _select_available(
    subscription_id: int, now_ms: int, limit: int
) -> "Select[int, str, str, int, str, bytes]":
    """Select the messages that can be leased now, the oldest first."""
    other = subscription_messages.alias("other")
    is_earlier = tuple_(other.c.event_time_ms, other.c.message_seq) < tuple_(
        subscription_messages.c.event_time_ms, subscription_messages.c.message_seq
    )
    is_leased = other.c.lease_expire_time_ms > now_ms
    is_blocked = exists().where(
        other.c.subscription_id == subscription_id,
        other.c.ordering_key == subscription_messages.c.ordering_key,
        other.c.dead_letter_time_ms.is_(None),
        or_(is_earlier, is_leased),
    )
    return (
        select(
            messages.c.seq,
            messages.c.message_id,
            messages.c.topic,
            messages.c.event_time_ms,
            messages.c.member_id,
            messages.c.raw,
        )
        .select_from(
            subscription_messages.join(messages, messages.c.seq == subscription_messages.c.message_seq)
        )
        .where(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.dead_letter_time_ms.is_(None),
            subscription_messages.c.lease_expire_time_ms <= now_ms,
            or_(subscription_messages.c.ordering_key.is_(None), not_(is_blocked)),
        )
        .order_by(subscription_messages.c.event_time_ms, subscription_messages.c.message_seq)
        .limit(limit)
    )


async def _find_next_expire_time_ms(
    connection: AsyncConnection, subscription_id: int, now_ms: int
) -> int | None:
    rows = await connection.execute(
        select(func.min(subscription_messages.c.lease_expire_time_ms)).where(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.dead_letter_time_ms.is_(None),
            subscription_messages.c.lease_expire_time_ms > now_ms,
        )
    )
    expire_time_ms: int | None = rows.scalar_one()
    return expire_time_ms
