"""Leases each message of a subscription to its consumers, at least once."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import (
    BigInteger,
    Integer,
    Row,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StoreUnavailable, SubscriptionNotFound
from services.store.coordination.notifier import POLL_INTERVAL_S, Notifier, wait_for_event
from services.store.database.batcher import Batcher
from services.store.database.db_errors import limit_time
from services.store.database.schema import message_heads, subscription_messages, subscriptions
from services.store.database.store import Store
from services.store.inbox.ack_id import AckId
from services.store.inbox.backfill import backfill_batch
from services.store.inbox.heads import HEAD_COLUMNS, add_heads, update_heads
from services.store.inbox.message import (
    HAS_SEQ,
    Message,
    ReceivedMessage,
    end_lease,
    in_batches,
    is_leased,
    lock_backlog_rows,
    mark_dead,
    select_texts,
)
from services.store.inbox.subscriptions import Subscriptions, messages_channel

MAX_MESSAGES = 1000
"""Messages in one lease call, at most."""
MAX_ACKS_PER_TRANSACTION = 32
"""Calls of `ack` that share a transaction, at most. Each may have a thousand ids."""
MAX_LEASE_ID = 2**62
LAST_USED_RESOLUTION_MS = 60_000
"""The last use of a subscription is recorded at most once in this time."""
BACKFILL_WAIT_S = 60.0
"""How long a lease call continues the backfill of a subscription, which ends before its first message."""
EXPIRY_MARGIN_S = 0.01
"""A consumer that waits for the expiry of a lease polls again this long after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PollResult:
    messages: list[ReceivedMessage]
    """The messages that were leased."""
    next_expire_time_ms: int | None
    """When the next lease expires."""
    is_backfilled: bool
    """Whether the backfill is complete. If not, poll again at once."""


@dataclass(frozen=True, slots=True)
class _Ack:
    """A call of `ack`."""

    subscription_id: int
    ack_ids: list[AckId]
    """Distinct."""


class MessageDispatcher:
    """Leases messages to consumers, and takes their acknowledgements.

    Consumers of one subscription share its messages. Messages with the same ordering key are leased one at a
    time, in the order of their event times. If a message arrives after newer messages of its key were leased,
    it is the next one, as soon as no message of the key is leased.
    """

    def __init__(self, store: Store, notifier: Notifier, subscriptions: Subscriptions) -> None:
        self._store = store
        self._notifier = notifier
        self._subscriptions = subscriptions
        # A process runs one poll of a subscription at a time: further ones would wait for the row lock that
        # a poll takes, and each would occupy a connection.
        self._poll_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._acks = Batcher(
            self._ack_batch,
            batch_size=MAX_ACKS_PER_TRANSACTION,
            max_pending=store.limits.max_pending,
            timeout_s=store.limits.transaction_timeout_s,
        )

    async def close(self) -> None:
        """Wait for pending acknowledgements."""
        await self._acks.close()

    async def lease(
        self,
        subscription_id: int,
        *,
        limit: int,
        lease_s: float,
        wait_s: float,
        backfill_wait_s: float = BACKFILL_WAIT_S,
    ) -> list[ReceivedMessage]:
        """Lease up to `limit` messages for `lease_s`. If there are none, wait up to `wait_s`.

        A new subscription is first backfilled with older messages, for up to `backfill_wait_s`. Fewer are
        leased if their texts are long. A message that is not acknowledged before its lease expires
        is leased again; after `max_delivery_attempts` leases it is dead. If the caller is cancelled, its
        messages are released.

        Raises SubscriptionNotFound (it was deleted), StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        with self._notifier.watch(messages_channel(subscription_id)) as notified:
            while True:
                notified.clear()
                result = await self._poll(subscription_id, min(limit, MAX_MESSAGES), lease_s)
                max_wait_s = wait_s if result.is_backfilled else max(wait_s, backfill_wait_s)
                remaining_s = started + max_wait_s - loop.time()
                if result.messages or remaining_s <= 0:
                    return result.messages
                if result.is_backfilled:
                    expiry_s = self._seconds_until(result.next_expire_time_ms)
                    await wait_for_event(notified, min(remaining_s, POLL_INTERVAL_S, expiry_s))

    async def ack(self, subscription_id: int, ack_ids: Iterable[AckId]) -> list[AckId]:
        """Acknowledge messages, also dead ones, so that they are never leased again.

        Return the ack ids that are lapsed: their messages were leased again or requeued since, and are not
        acknowledged. Messages that were acknowledged before are ignored. Concurrent calls share a
        transaction.
        """
        return await self._acks.submit(_Ack(subscription_id, list(dict.fromkeys(ack_ids))))

    async def _ack_batch(self, acks: Sequence[_Ack]) -> list[list[AckId]]:
        """Acknowledge the messages of several calls in one transaction. Return the lapsed ids of each."""
        by_subscription: dict[int, dict[AckId, None]] = {}
        for ack in acks:
            by_subscription.setdefault(ack.subscription_id, {}).update(dict.fromkeys(ack.ack_ids))
        to_notify: set[int] = set()

        async def work(connection: AsyncConnection) -> set[AckId]:
            to_notify.clear()
            lapsed: set[AckId] = set()
            for subscription_id, ack_ids in sorted(by_subscription.items()):
                keys: list[str] = []
                for batch in in_batches(list(ack_ids)):
                    rows = await lock_backlog_rows(connection, subscription_id, batch)
                    acknowledged = {ack_id.message_seq for ack_id in batch if _is_last_delivery(rows, ack_id)}
                    remaining = rows.keys() - acknowledged
                    lapsed.update(ack_id for ack_id in batch if ack_id.message_seq in remaining)
                    if acknowledged:
                        parameters = {"subscription_id_": subscription_id, "seqs": [*acknowledged]}
                        await connection.execute(_DELETE, parameters)
                        keys += [rows[seq].ordering_key for seq in acknowledged]
                if await update_heads(connection, subscription_id, keys):
                    to_notify.add(subscription_id)  # the next message of a key may be due
            return lapsed

        lapsed = await self._store.write(
            work, on_commit=lambda _: self._notifier.notify(*map(messages_channel, to_notify))
        )
        return [[ack_id for ack_id in ack.ack_ids if ack_id in lapsed] for ack in acks]

    async def set_lease(self, subscription_id: int, ack_ids: Iterable[AckId], lease_s: float) -> list[AckId]:
        """Make leases expire in `lease_s` from now. This extends or shortens them; 0 releases the messages.

        Return the ack ids that are lapsed: their leases have expired, and are not changed, because another
        consumer may have the messages. Messages that were acknowledged are ignored.
        """
        distinct = list(dict.fromkeys(ack_ids))

        async def work(connection: AsyncConnection) -> list[AckId]:
            now_ms = self._store.clock()
            values = (
                {"lease_expire_time_ms": now_ms + round(lease_s * 1000)}
                if lease_s
                else self._end_lease(now_ms)
            )
            return await _update_leases(connection, subscription_id, distinct, now_ms, values)

        def notify(lapsed: list[AckId]) -> None:
            if len(lapsed) < len(distinct):
                # Waiting consumers know only the old expiry.
                self._notifier.notify(messages_channel(subscription_id))

        return await self._store.write(work, on_commit=notify)

    async def release(self, subscription_id: int, ack_ids: Sequence[AckId], *, within_s: float) -> None:
        """Release the messages of a consumer that has ended, even if the caller is cancelled.

        If the store is unavailable, this is retried for `within_s`, for which the leases should last at most.
        """
        if not ack_ids:
            return

        async def work(connection: AsyncConnection) -> None:
            now_ms = self._store.clock()
            await _update_leases(connection, subscription_id, ack_ids, now_ms, self._end_lease(now_ms))

        await self._settle_release(subscription_id, work, within_s)

    async def undo_lease(self, subscription_id: int, ack_ids: Sequence[AckId], *, within_s: float) -> None:
        """Release messages that did not reach their consumer, even if the caller is cancelled.

        The lease then does not count as a delivery attempt, even if it has ended meanwhile. If a message
        was leased again, this has no effect on it. If the store is unavailable, it is retried for `within_s`.
        """
        if not ack_ids:
            return

        async def work(connection: AsyncConnection) -> None:
            pending: list[RowMapping] = []
            for batch in in_batches(ack_ids):
                rows = await lock_backlog_rows(connection, subscription_id, batch)
                seqs = [ack_id.message_seq for ack_id in batch if _is_last_delivery(rows, ack_id)]
                undone = await connection.execute(
                    _UNDO_LEASE, {"subscription_id_": subscription_id, "seqs": seqs}
                )
                pending += undone.mappings()
            await add_heads(connection, pending)  # some may have been dead

        await self._settle_release(subscription_id, work, within_s)

    async def _settle_release(
        self, subscription_id: int, work: Callable[[AsyncConnection], Awaitable[None]], within_s: float
    ) -> None:
        """Release messages for other consumers, and tell these."""
        await self._store.settle(
            work,
            on_commit=lambda _: self._notifier.notify(messages_channel(subscription_id)),
            within_s=within_s,
            what="message_release",
        )

    async def _poll(self, subscription_id: int, limit: int, lease_s: float) -> _PollResult:
        lease_id = secrets.randbelow(MAX_LEASE_ID) + 1

        async def work(connection: AsyncConnection) -> _PollResult:
            return await self._lease(connection, subscription_id, limit, lease_s, lease_id)

        async def undo() -> None:
            await self._undo_poll(subscription_id, lease_id, within_s=lease_s)

        async def poll() -> _PollResult:
            try:
                return await self._store.write(work)
            except StoreUnavailable:
                await undo()  # it may have been committed
                raise

        lock = self._poll_locks.setdefault(subscription_id, asyncio.Lock())
        async with limit_time(self._store.limits.transaction_timeout_s), lock:
            return await self._store.tasks.run_or_undo(poll(), lambda _: undo())

    async def _undo_poll(self, subscription_id: int, lease_id: int, within_s: float) -> None:
        """Release the messages that no caller got. This does not count as a delivery attempt."""
        statement = (
            update(subscription_messages)
            .where(is_leased(subscription_id), subscription_messages.c.lease_id == lease_id)
            .values(**_NO_DELIVERY)
            .returning(subscription_messages.c.message_seq)
        )

        async def work(connection: AsyncConnection) -> bool:
            # The transaction that leased them has this lock until it ends.
            await connection.execute(_lock_subscription(subscription_id))
            return bool((await connection.execute(statement)).all())

        def notify(has_released: bool) -> None:
            if has_released:
                self._notifier.notify(messages_channel(subscription_id))

        await self._store.settle(work, on_commit=notify, within_s=within_s, what="message_release")

    async def _lease(
        self, connection: AsyncConnection, subscription_id: int, limit: int, lease_s: float, lease_id: int
    ) -> _PollResult:
        locked = await connection.execute(_lock_subscription(subscription_id))
        last_used_time_ms = locked.scalar_one_or_none()
        if last_used_time_ms is None:
            raise SubscriptionNotFound("the subscription was deleted")
        now_ms = self._store.clock()
        if last_used_time_ms <= now_ms - LAST_USED_RESOLUTION_MS:
            await connection.execute(
                update(subscriptions)
                .where(subscriptions.c.id == subscription_id)
                .values(last_used_time_ms=now_ms)
            )
        if not await backfill_batch(connection, subscription_id):
            return _PollResult(messages=[], next_expire_time_ms=None, is_backfilled=False)
        await mark_dead(
            connection,
            subscription_id,
            max_delivery_attempts=self._subscriptions.limits.max_delivery_attempts,
            now_ms=now_ms,
        )
        parameters = {"subscription_id": subscription_id, "now_ms": now_ms, "max_messages": limit}
        available = (await connection.execute(_SELECT_AVAILABLE, parameters)).all()
        if not available:
            next_expire_time_ms = await _find_next_expire_time_ms(connection, subscription_id, now_ms)
            return _PollResult(messages=[], next_expire_time_ms=next_expire_time_ms, is_backfilled=True)
        expire_time_ms = now_ms + round(lease_s * 1000)
        to_lease = {
            "subscription_id_": subscription_id,
            "seqs": [row.message_seq for row in available],
            "lease_id_": lease_id,
            "expire_time_ms": expire_time_ms,
        }
        updated = await connection.execute(_LEASE, to_lease)
        attempts = {row.message_seq: row.attempts for row in updated}
        leased = [
            ReceivedMessage(
                ack_id=AckId(subscription_id, row.message_seq, lease_id),
                message=Message.from_row(row),
                delivery_attempt=attempts[row.message_seq],
                lease_expire_time_ms=expire_time_ms,
            )
            for row in available
            if row.message_seq in attempts  # else it was acknowledged meanwhile
        ]
        return _PollResult(messages=leased, next_expire_time_ms=None, is_backfilled=True)

    def _end_lease(self, now_ms: int) -> dict[str, Any]:
        return end_lease(self._subscriptions.limits.max_delivery_attempts, now_ms)

    def _seconds_until(self, expire_time_ms: int | None) -> float:
        if expire_time_ms is None:
            return POLL_INTERVAL_S
        return max(0, expire_time_ms - self._store.clock()) / 1000 + EXPIRY_MARGIN_S


def _is_last_delivery(rows: "Mapping[int, Row[*tuple[Any, ...]]]", ack_id: AckId) -> bool:
    row = rows.get(ack_id.message_seq)
    return row is not None and row.lease_id == ack_id.lease_id


async def _update_leases(
    connection: AsyncConnection,
    subscription_id: int,
    ack_ids: Sequence[AckId],
    now_ms: int,
    values: dict[str, Any],
) -> list[AckId]:
    """Change those leases that have not expired. Return the ack ids of the others."""
    statement = (
        update(subscription_messages)
        .where(HAS_SEQ)
        .values(**values)
        .returning(subscription_messages.c.ordering_key, subscription_messages.c.dead_letter_time_ms)
    )
    lapsed: list[AckId] = []
    dead_keys: list[str] = []
    for batch in in_batches(ack_ids):
        rows = await lock_backlog_rows(connection, subscription_id, batch)
        leased = {
            ack_id
            for ack_id in batch
            if _is_last_delivery(rows, ack_id) and rows[ack_id.message_seq].lease_expire_time_ms > now_ms
        }
        lapsed += [ack_id for ack_id in batch if ack_id.message_seq in rows and ack_id not in leased]
        parameters = {"subscription_id_": subscription_id, "seqs": [ack_id.message_seq for ack_id in leased]}
        updated = await connection.execute(statement, parameters)
        dead_keys += [row.ordering_key for row in updated if row.dead_letter_time_ms is not None]
    await update_heads(connection, subscription_id, dead_keys)
    return lapsed


def _lock_subscription(subscription_id: int) -> "Select[int]":
    """Select the row of a subscription that was not deleted, and lock it.

    The lock lets one replica at a time lease messages of the subscription. Two could not see each other's
    leases, and would lease two messages of one ordering key.
    """
    return (
        select(subscriptions.c.last_used_time_ms)
        .where(subscriptions.c.id == subscription_id, subscriptions.c.name.is_not(None))
        .with_for_update()
    )


def _build_select_available() -> "Select[*tuple[Any, ...]]":
    """Select the messages that can be leased now, the oldest first."""
    subscription_id = bindparam("subscription_id", type_=BigInteger)
    # A key's leased message is not its head if an older message has arrived since.
    leased_keys = select(subscription_messages.c.ordering_key).where(
        is_leased(subscription_id),
        subscription_messages.c.lease_expire_time_ms > bindparam("now_ms", type_=BigInteger),
    )
    candidates = (
        select(message_heads.c.message_seq, message_heads.c.event_time_ms.label("order_time_ms"))
        .where(
            message_heads.c.subscription_id == subscription_id,
            message_heads.c.ordering_key.not_in(leased_keys),
        )
        .order_by(message_heads.c.event_time_ms, message_heads.c.message_seq)
        .limit(bindparam("max_messages", type_=Integer))
    )
    return select_texts(candidates, lambda columns: [columns.order_time_ms, columns.message_seq])


_LEASE = (
    update(subscription_messages)
    .where(HAS_SEQ)
    .values(
        attempts=subscription_messages.c.attempts + 1,
        lease_id=bindparam("lease_id_"),
        lease_expire_time_ms=bindparam("expire_time_ms"),
    )
    .returning(subscription_messages.c.message_seq, subscription_messages.c.attempts)
)
_NO_DELIVERY = {
    "attempts": subscription_messages.c.attempts - 1,
    "lease_expire_time_ms": 0,
    "dead_letter_time_ms": None,
}
"""The values of a row whose last delivery did not take place."""
_UNDO_LEASE = update(subscription_messages).where(HAS_SEQ).values(**_NO_DELIVERY).returning(*HEAD_COLUMNS)
_DELETE = delete(subscription_messages).where(HAS_SEQ)
_SELECT_AVAILABLE = _build_select_available()
"""Built once: building it takes as long as executing it."""


async def _find_next_expire_time_ms(
    connection: AsyncConnection, subscription_id: int, now_ms: int
) -> int | None:
    rows = await connection.execute(
        select(func.min(subscription_messages.c.lease_expire_time_ms)).where(
            is_leased(subscription_id), subscription_messages.c.lease_expire_time_ms > now_ms
        )
    )
    expire_time_ms: int | None = rows.scalar_one()
    return expire_time_ms
