"""Hands messages out to the consumers of a subscription, at least once, under leases."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import (
    Executable,
    Select,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import NationalsiteError, SubscriptionNotFound
from services.store.database.schema import messages, subscription_messages, subscriptions
from services.store.inbox.backfill import backfill_batch
from services.store.inbox.inbox import message_key
from services.store.inbox.message import Message, mark_dead, message_of, row_filters
from services.store.inbox.subscriptions import SubscriptionName, Subscriptions
from services.store.notifier import POLL_INTERVAL_S, Notifier, wait
from services.store.store import Store

MAX_MESSAGES = 1000
"""Messages of one lease call."""
EXPIRY_MARGIN_S = 0.01
"""Waits for an expiry end a little after it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _PollResult:
    """What one look at a subscription brought."""

    leased: list[Message]
    next_expiry_ms: int | None
    """When the first of the running leases ends."""
    filled: bool
    """Whether everything due is there; else there is more to look at."""


class MessageDispatcher:
    """What consumers call.

    Consumers of one subscription share its messages. Messages of one 1688 order (with the same order key) are
    out one at a time, by their time of birth; one that comes late comes as soon as none of its order is out.
    """

    def __init__(self, store: Store, wakeups: Notifier, known: Subscriptions) -> None:
        self._store = store
        self._wakeups = wakeups
        self._known = known
        self._giving_back: set[asyncio.Task[None]] = set()
        # In one process a single look at a time: more would only queue for the same row, a connection each.
        self._looking: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def lease(
        self,
        name: SubscriptionName,
        *,
        most: int,
        lease_s: float,
        wait_s: float,
        topics: Sequence[str] = (),
        start_ms: int | None = None,
    ) -> list[Message]:
        """Hand out up to `most` messages for `lease_s`; where there are none, wait up to `wait_s`.

        `topics` and `start_ms` are those of `Subscriptions.use`, which this is. A message that is not
        acknowledged is handed out again when its lease ends, and dead after `most_deliveries`. A caller that
        is cancelled gives back what it was about to get.

        Raises SubscriptionMismatch, Overloaded, SubscriptionNotFound (deleted meanwhile), StoreUnavailable.
        """
        subscription_id = await self._known.use(name, topics, start_ms)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        with self._wakeups.watch(message_key(subscription_id)) as woken:
            while True:
                woken.clear()
                looked = await self._look(subscription_id, min(most, MAX_MESSAGES), lease_s)
                left_s = deadline - loop.time()
                if looked.leased or left_s <= 0:
                    return looked.leased
                if looked.filled:
                    await wait(woken, min(left_s, POLL_INTERVAL_S, self._until_s(looked.next_expiry_ms)))

    async def ack(self, name: SubscriptionName, message_ids: Sequence[str]) -> int:
        """Acknowledge messages: they are never handed out again. Return how many that were.

        What is acknowledged already, unknown, or was never handed out is passed over; a dead one counts.
        Raises SubscriptionNotFound.
        """
        subscription_id = await self._known.id_of(name)

        async def work(connection: AsyncConnection) -> list[str | None]:
            gone: list[str | None] = []
            for which in row_filters(subscription_id, message_ids):
                statement = delete(subscription_messages).where(which, subscription_messages.c.attempts > 0)
                gone += (
                    await connection.execute(statement.returning(subscription_messages.c.order_key))
                ).scalars()
            return gone

        gone = await self._store.write(work)
        if any(order_key is not None for order_key in gone):
            self._wakeups.wake(message_key(subscription_id))  # the next of the order may go
        return len(gone)

    async def set_lease(self, name: SubscriptionName, message_ids: Sequence[str], lease_s: float) -> int:
        """Let running leases end in `lease_s` from now: longer to extend them, 0 to give the messages back.

        A lease that has ended stays ended: the message may be out elsewhere. Return how many were set. Raises
        SubscriptionNotFound.
        """
        subscription_id = await self._known.id_of(name)
        now_ms = self._store.clock()
        until_ms = now_ms + round(lease_s * 1000)

        async def work(connection: AsyncConnection) -> int:
            changed = 0
            for which in row_filters(subscription_id, message_ids):
                statement = update(subscription_messages).where(
                    which, subscription_messages.c.lease_until_ms > now_ms
                )
                result = await connection.execute(statement.values(lease_until_ms=until_ms))
                changed += result.rowcount
            return changed

        changed = await self._store.write(work)
        if changed:
            self._wakeups.wake(message_key(subscription_id))  # whoever waits for the old expiry looks anew
        return changed

    async def close(self) -> None:
        """Wait for what callers that left are giving back."""
        while self._giving_back:
            await asyncio.wait(self._giving_back)

    async def _look(self, subscription_id: int, most: int, lease_s: float) -> _PollResult:
        lock = self._looking.setdefault(subscription_id, asyncio.Lock())
        async with lock:
            looking = asyncio.create_task(
                self._store.write(lambda connection: self._lease(connection, subscription_id, most, lease_s))
            )
            try:
                return await asyncio.shield(looking)
            except asyncio.CancelledError:
                task = asyncio.create_task(self._give_back(subscription_id, looking))
                self._giving_back.add(task)
                task.add_done_callback(self._giving_back.discard)
                raise

    async def _give_back(self, subscription_id: int, looking: "asyncio.Task[_PollResult]") -> None:
        """Undo a handing out whose caller has left; where that fails too, the lease ends by itself."""
        try:
            leased = (await looking).leased
            if not leased:
                return
            which = row_filters(subscription_id, [message.message_id for message in leased])
            undone = [
                update(subscription_messages)
                .where(one, subscription_messages.c.lease_until_ms == leased[0].lease_until_ms)
                .values(lease_until_ms=0, attempts=subscription_messages.c.attempts - 1)
                for one in which
            ]
            await self._store.write(lambda connection: _execute(connection, undone))
            self._wakeups.wake(message_key(subscription_id))
        except NationalsiteError as error:
            _log.info("messages_not_released", reason=error.reason)

    async def _lease(
        self, connection: AsyncConnection, subscription_id: int, most: int, lease_s: float
    ) -> _PollResult:
        # One look at a subscription at a time, replicas included: two could not see each other's leases, and
        # hand out two messages of one order.
        there = await connection.execute(
            select(subscriptions.c.id)
            .where(subscriptions.c.id == subscription_id, subscriptions.c.name.is_not(None))
            .with_for_update()
        )
        if there.one_or_none() is None:
            raise SubscriptionNotFound("the subscription was deleted")
        if not await backfill_batch(connection, subscription_id):
            return _PollResult(leased=[], next_expiry_ms=None, filled=False)
        now_ms = self._store.clock()
        await mark_dead(
            connection, subscription_id, most_deliveries=self._known.limits.most_deliveries, now_ms=now_ms
        )
        until_ms = now_ms + round(lease_s * 1000)
        free = (await connection.execute(_free(subscription_id, now_ms, most))).all()
        if not free:
            return _PollResult(
                leased=[], next_expiry_ms=await _next_expiry(connection, subscription_id, now_ms), filled=True
            )
        taken = await connection.execute(
            update(subscription_messages)
            .where(
                subscription_messages.c.subscription_id == subscription_id,
                subscription_messages.c.message_seq.in_([row.seq for row in free]),
            )
            .values(attempts=subscription_messages.c.attempts + 1, lease_until_ms=until_ms)
            .returning(subscription_messages.c.message_seq, subscription_messages.c.attempts)
        )
        attempts = {row.message_seq: row.attempts for row in taken}
        leased = [
            message_of(row, attempts[row.seq], until_ms)
            for row in free
            if row.seq in attempts  # else acknowledged just now
        ]
        return _PollResult(leased=leased, next_expiry_ms=None, filled=True)

    def _until_s(self, expiry_ms: int | None) -> float:
        if expiry_ms is None:
            return POLL_INTERVAL_S
        return max(0, expiry_ms - self._store.clock()) / 1000 + EXPIRY_MARGIN_S


def _free(subscription_id: int, now_ms: int, most: int) -> "Select[int, str, str, int, str, bytes]":
    """Select what may be handed out now, the oldest first."""
    other = subscription_messages.alias("other")
    earlier = tuple_(other.c.born_ms, other.c.message_seq) < tuple_(
        subscription_messages.c.born_ms, subscription_messages.c.message_seq
    )
    out = other.c.lease_until_ms > now_ms
    order_waits = exists().where(
        other.c.subscription_id == subscription_id,
        other.c.order_key == subscription_messages.c.order_key,
        other.c.dead_ms.is_(None),
        or_(earlier, out),
    )
    return (
        select(
            messages.c.seq,
            messages.c.message_id,
            messages.c.topic,
            messages.c.born_ms,
            messages.c.member_id,
            messages.c.raw,
        )
        .select_from(
            subscription_messages.join(messages, messages.c.seq == subscription_messages.c.message_seq)
        )
        .where(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.dead_ms.is_(None),
            subscription_messages.c.lease_until_ms <= now_ms,
            or_(subscription_messages.c.order_key.is_(None), not_(order_waits)),
        )
        .order_by(subscription_messages.c.born_ms, subscription_messages.c.message_seq)
        .limit(most)
    )


async def _next_expiry(connection: AsyncConnection, subscription_id: int, now_ms: int) -> int | None:
    found = await connection.execute(
        select(func.min(subscription_messages.c.lease_until_ms)).where(
            subscription_messages.c.subscription_id == subscription_id,
            subscription_messages.c.dead_ms.is_(None),
            subscription_messages.c.lease_until_ms > now_ms,
        )
    )
    expiry_ms: int | None = found.scalar_one()
    return expiry_ms


async def _execute(connection: AsyncConnection, statements: Sequence[Executable]) -> None:
    for statement in statements:
        await connection.execute(statement)
