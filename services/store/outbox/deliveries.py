"""Deliveries: syncs that are stored durably and sent to 1688 in order per ordering key.

A delivery belongs to the caller that enqueued it. A key that its caller chose orders only this caller's
deliveries; the id of an order orders those of all callers. Deliveries that are ordered together have the same
`ordering_group`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Row,
    Select,
    Update,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import (
    DeliveryNotFound,
    DeliveryOvertaken,
    DeliveryPending,
    DeliveryState,
    RequestIdReused,
)
from services.store.coordination.notifier import POLL_INTERVAL_S, Notifier, wait_for_event
from services.store.database.batcher import Batcher
from services.store.database.schema import deliveries
from services.store.database.store import Store
from services.store.outbox.delivery import STATE_PREFIX, Delivery, NewDelivery, State, build_order_group
from services.store.outbox.heads import IS_PENDING, add_heads, lock_groups, lock_heads, update_heads
from services.store.pagination import (
    Page,
    clamp_page_size,
    count_fitting,
    decode_page_token,
    encode_page_token,
)

DELIVERIES_CHANNEL = "deliveries"
"""The channel of the notifier that is notified when a delivery may have become due."""
BATCH_SIZE = 100
"""Deliveries that are enqueued in one transaction."""
_MAX_OTHER_BYTES = 512
"""Maximum size in a response of what `_max_bytes` does not count: ids, times, numbers, tags."""
_MAX_CHARACTER_BYTES = 4
"""Of a character in UTF-8."""


class Deliveries:
    """Enqueues, lists, retries and cancels deliveries. The relay sends them.

    `owner` is the caller whose deliveries a method concerns, None those of all callers. A delivery of another
    caller is not found.
    """

    def __init__(self, store: Store, notifier: Notifier) -> None:
        self._store = store
        self._notifier = notifier
        self._batcher: Batcher[NewDelivery, Delivery] = Batcher(
            self._enqueue_batch,
            batch_size=BATCH_SIZE,
            max_pending=store.limits.max_pending,
            timeout_s=store.limits.transaction_timeout_s,
        )

    async def enqueue(self, new: NewDelivery) -> Delivery:
        """Store a delivery durably. If the request id was used before, return the delivery stored for it.

        Calls at the same time share a transaction. Raises RequestIdReused if the earlier request had other
        content.
        """
        return await self._batcher.submit(new)

    async def close(self) -> None:
        """Wait until the deliveries that are being enqueued are stored."""
        await self._batcher.close()

    async def _enqueue_batch(self, batch: Sequence[NewDelivery]) -> "Sequence[Delivery | RequestIdReused]":
        """Store deliveries in one transaction."""

        async def work(connection: AsyncConnection) -> "Sequence[Delivery | RequestIdReused]":
            # Without locks of the groups, a delivery could be committed, and sent, before an earlier one of
            # its group.
            request_ids = {(new.caller, new.request_id) for new in batch}
            await lock_groups(connection, {new.ordering_group for new in batch}, request_ids)
            stored = {
                (row.caller, row.request_id): (row.content_hash, Delivery.from_row(row))
                for row in await connection.execute(_select_requests(request_ids))
            }
            now_ms = self._store.clock()
            results: list[Delivery | RequestIdReused] = []
            rows: list[dict[str, Any]] = []
            for new in batch:
                request_id = (new.caller, new.request_id)
                if request_id not in stored:
                    row = new.to_row(now_ms)
                    rows.append(row)
                    stored[request_id] = new.content_hash, Delivery.from_columns(row)
                content_hash, delivery = stored[request_id]
                results.append(
                    delivery
                    if content_hash == new.content_hash
                    else RequestIdReused("the request_id was used before with other content")
                )
            if rows:
                await connection.execute(insert(deliveries), rows)
                first_of_groups = {row["ordering_group"]: row["delivery_id"] for row in reversed(rows)}
                await add_heads(connection, first_of_groups.values())
            return results

        return await self._store.write(work, on_commit=lambda _: self._notifier.notify(DELIVERIES_CHANNEL))

    async def get(self, delivery_id: str, *, owner: str | None, wait_s: float = 0.0) -> Delivery:
        """Return a delivery. If it is pending, wait up to `wait_s` until it is finished.

        Raises DeliveryNotFound.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        with self._notifier.watch(finished_channel(delivery_id)) as notified:
            while True:
                notified.clear()
                row = await self._store.read(lambda connection: _get(connection, delivery_id, owner))
                remaining_s = deadline - loop.time()
                if row.state != State.PENDING or remaining_s <= 0:
                    return Delivery.from_row(row)
                await wait_for_event(notified, min(remaining_s, POLL_INTERVAL_S))

    async def list(
        self,
        *,
        owner: str | None,
        states: Sequence[State] = (),
        ordering_key: str = "",
        page_size: int = 0,
        page_token: str = "",
        with_payloads: bool = False,
    ) -> Page[Delivery]:
        """Return deliveries, the last enqueued first.

        Without `states` they may be in any state; without `ordering_key` they may have any key. A page ends
        before the size of a response. Raises InvalidRequest (page token).
        """
        size = clamp_page_size(page_size)
        columns = deliveries.c if with_payloads else _WITHOUT_PAYLOAD
        newest_first = deliveries.c.seq.desc()
        select_sizes = select(deliveries.c.seq, _max_bytes(with_payloads=with_payloads).label("max_bytes"))
        select_sizes = select_sizes.order_by(newest_first).limit(size + 1)
        if owner is not None:
            select_sizes = select_sizes.where(deliveries.c.caller == owner)
        if (before_seq := decode_page_token(page_token)) is not None:
            select_sizes = select_sizes.where(deliveries.c.seq < before_seq)
        if states:
            select_sizes = select_sizes.where(deliveries.c.state.in_(states))
        if ordering_key:
            select_sizes = select_sizes.where(deliveries.c.ordering_key == ordering_key)

        async def work(connection: AsyncConnection) -> Page[Delivery]:
            found = (await connection.execute(select_sizes)).all()
            if not found:
                return Page(items=[], next_page_token="")
            # The sizes are read first, so that only what fits is loaded.
            listed = found[: min(size, count_fitting(row.max_bytes for row in found))]
            is_listed = deliveries.c.seq.in_([row.seq for row in listed])
            rows = await connection.execute(select(*columns).where(is_listed).order_by(newest_first))
            return Page(
                items=[Delivery.from_row(row) for row in rows],
                next_page_token=encode_page_token(listed[-1].seq) if len(found) > len(listed) else "",
            )

        return await self._store.read(work)

    async def retry(self, delivery_id: str, *, owner: str | None) -> Delivery:
        """Make a dead delivery pending again, at its old position in the order. `max_age_s` counts from now.

        A pending one is returned unchanged. Raises DeliveryNotFound, DeliveryState if it is delivered or
        cancelled, DeliveryOvertaken if a later one of its key was sent, with any outcome.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            # With the lock, no later delivery is claimed between the check and the update.
            row = await _lock(connection, delivery_id, owner)
            if row.state == State.PENDING:
                return Delivery.from_row(row)
            if row.state != State.DEAD:
                raise _state_error("only a dead delivery can be retried", row)
            later_id = await _find_id(
                connection,
                row.ordering_group,
                deliveries.c.ordering_key == row.ordering_key,  # for the index
                deliveries.c.seq > row.seq,
                deliveries.c.attempts > 0,
            )
            if later_id is not None:
                raise DeliveryOvertaken(
                    "a later delivery of the same ordering key has been sent",
                    ordering_key=row.ordering_key,
                    delivery_id=later_id,
                )
            now_ms = self._store.clock()
            statement = _update(
                row.seq,
                state=State.PENDING,
                failures=0,
                retry_start_time_ms=now_ms,
                next_attempt_time_ms=0,
                finish_time_ms=None,
            )
            updated = _require((await connection.execute(statement)).one_or_none())
            await update_heads(connection, {row.ordering_group: row.seq})
            return Delivery.from_row(updated)

        return await self._store.write(work, on_commit=lambda _: self._notifier.notify(DELIVERIES_CHANNEL))

    async def cancel(self, delivery_id: str, *, owner: str | None) -> Delivery:
        """Cancel a pending delivery that is not in flight. A cancelled one is returned unchanged.

        Raises DeliveryNotFound, DeliveryState.
        """

        async def work(connection: AsyncConnection) -> Delivery:
            row = await _lock(connection, delivery_id, owner)
            now_ms = self._store.clock()
            if row.state == State.CANCELLED:
                return Delivery.from_row(row)
            if row.state != State.PENDING:
                raise _state_error("only a pending delivery can be cancelled", row)
            if row.lease_expire_time_ms > now_ms:
                raise _state_error("the delivery is being sent", row)
            statement = _update(
                row.seq,
                state=State.CANCELLED,
                next_attempt_time_ms=None,
                finish_time_ms=now_ms,
                lease_holder=None,
            )
            updated = _require((await connection.execute(statement)).one_or_none())
            await update_heads(connection, {row.ordering_group: row.seq})
            return Delivery.from_row(updated)

        return await self._store.write(
            work, on_commit=lambda _: self._notifier.notify(DELIVERIES_CHANNEL, finished_channel(delivery_id))
        )

    async def ensure_none_pending(self, ordering_key: str) -> None:
        """Raise DeliveryPending if a delivery of this order is pending: a direct call would overtake it.

        It may be any caller's. Deliveries with a key that their caller chose do not count.
        """
        group = build_order_group(ordering_key)
        pending_id = await self._store.read(lambda connection: _find_id(connection, group, IS_PENDING))
        if pending_id is not None:
            raise DeliveryPending(
                "a delivery with the same ordering key is pending",
                ordering_key=ordering_key,
                delivery_id=pending_id,
            )


def finished_channel(delivery_id: str) -> str:
    """Return the channel that is notified when a delivery is finished."""
    return f"delivery:{delivery_id}"


_WITHOUT_PAYLOAD = (
    *(column for column in deliveries.c if column is not deliveries.c.payload),
    literal(b"", LargeBinary).label("payload"),
)


def _max_bytes(*, with_payloads: bool) -> ColumnElement[int]:
    """Return an upper bound of the size of a delivery in a response, which the database computes."""
    content = [deliveries.c.last_error, deliveries.c.results]
    if with_payloads:
        content.append(deliveries.c.payload)
    texts = func.length(deliveries.c.caller) + func.length(deliveries.c.ordering_key)
    return sum(
        (func.coalesce(func.length(column), 0) for column in content),
        texts * _MAX_CHARACTER_BYTES + _MAX_OTHER_BYTES,
    )


def _select_requests(request_ids: Collection[tuple[str, str]]) -> "Select[Any]":
    """Select the deliveries with these callers and request ids."""
    by_caller: defaultdict[str, list[str]] = defaultdict(list)
    for caller, request_id in request_ids:
        by_caller[caller].append(request_id)
    # SQLite would not use the index for pairs of both.
    return select(deliveries).where(
        or_(
            *(
                and_(deliveries.c.caller == caller, deliveries.c.request_id.in_(ids))
                for caller, ids in by_caller.items()
            )
        )
    )


async def _find_id(
    connection: AsyncConnection, ordering_group: str, *conditions: ColumnElement[bool]
) -> str | None:
    """Return the id of a delivery of this group that meets the conditions; None if there is none."""
    in_group = deliveries.c.ordering_group == ordering_group
    statement = select(deliveries.c.delivery_id).where(in_group, *conditions)
    return (await connection.execute(statement.limit(1))).scalar_one_or_none()


async def _get(connection: AsyncConnection, delivery_id: str, owner: str | None) -> "Row[Any]":
    statement = select(deliveries).where(deliveries.c.delivery_id == delivery_id)
    if owner is not None:
        statement = statement.where(deliveries.c.caller == owner)
    return _require((await connection.execute(statement)).one_or_none())


def _require(row: "Row[Any] | None") -> "Row[Any]":
    """Return a row. Raises DeliveryNotFound if there is none: an erasure or retention may have deleted it."""
    if row is None:
        raise DeliveryNotFound("no delivery has this id")
    return row


async def _lock(connection: AsyncConnection, delivery_id: str, owner: str | None) -> "Row[Any]":
    """Lock the ordering group of a delivery; return the delivery's row."""
    row = await _get(connection, delivery_id, owner)
    await lock_heads(connection, [row.ordering_group])
    return await _get(connection, delivery_id, owner)  # it may have changed before it was locked


def _state_error(message: str, row: "Row[Any]") -> DeliveryState:
    return DeliveryState(message, delivery_id=row.delivery_id, state=f"{STATE_PREFIX}{row.state}")


def _update(seq: int, **values: object) -> "Update":
    return update(deliveries).where(deliveries.c.seq == seq).values(**values).returning(deliveries)
