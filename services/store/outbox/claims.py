"""Which delivery is sent next, and what is noted of it: the relay's side of the table."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.postgresql import advisory_xact_lock
from services.store.database.schema import deliveries
from services.store.outbox.deliveries import CLAIMING, Delivery, State, delivery_of
from services.store.outbox.outcomes import Dead, Delivered, Outcome, Retry
from services.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long and how often a delivery is tried."""

    first_pause_s: float = 1.0
    """After the first failure; each further pause is twice as long..."""
    longest_pause_s: float = 300.0
    """...up to this. A pause is shortened at random by up to a half."""
    age_s: float = 86_400.0
    """So long after it was enqueued, or retried, a delivery that fails again is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that only its holder may send, for the time of a lease."""

    delivery: Delivery
    holder: str
    """A name for this one attempt: what is noted under another one came too late."""


class Claims:
    """Takes deliveries for one replica. Of each key only the first pending one may be due."""

    def __init__(self, store: Store, patience: RetryPolicy) -> None:
        self._store = store
        self._patience = patience

    async def take(self, most: int, lease_s: float) -> list[Claim]:
        """Take up to `most` deliveries that are due, those due longest first."""

        async def work(connection: AsyncConnection) -> list[Claim]:
            await advisory_xact_lock(connection, CLAIMING, shared=True)
            now_ms = self._store.clock()
            first = deliveries.alias("first")
            waits = exists().where(
                first.c.ordering_key == deliveries.c.ordering_key,
                first.c.seq < deliveries.c.seq,
                first.c.state == State.PENDING,
            )
            due = (
                select(deliveries.c.seq, deliveries.c.lease_holder)
                .where(
                    deliveries.c.state == State.PENDING,
                    deliveries.c.next_attempt_ms <= now_ms,
                    deliveries.c.lease_until_ms <= now_ms,
                    ~waits,
                )
                .order_by(deliveries.c.next_attempt_ms, deliveries.c.seq)
                .limit(most)
                .with_for_update(skip_locked=True)  # another replica is just taking it
            )
            interrupted = {row.seq: row.lease_holder is not None for row in await connection.execute(due)}
            if not interrupted:
                return []
            holder = uuid.uuid4().hex
            taken = await connection.execute(
                update(deliveries)
                .where(deliveries.c.seq.in_(interrupted))
                .values(
                    attempts=deliveries.c.attempts + 1,
                    last_attempt_ms=now_ms,
                    lease_until_ms=now_ms + round(lease_s * 1000),
                    lease_holder=holder,
                )
                .returning(deliveries)
            )
            return [
                Claim(delivery=delivery_of(row, interrupted=interrupted[row.seq]), holder=holder)
                for row in taken
            ]

        return await self._store.write(work)

    async def next_due_ms(self, after_ms: int) -> int | None:
        """Return the first time after a given one when a delivery is due, or a lease ends; None: never."""
        # One that waits behind another of its key is due when that one is finished, and that wakes the relay.
        later = case(
            (deliveries.c.lease_until_ms > deliveries.c.next_attempt_ms, deliveries.c.lease_until_ms),
            else_=deliveries.c.next_attempt_ms,
        )
        statement = select(func.min(later)).where(deliveries.c.state == State.PENDING, later > after_ms)
        found = await self._store.read(lambda connection: connection.execute(statement))
        due_ms: int | None = found.scalar_one()
        return due_ms

    async def note(self, claim: Claim, outcome: Outcome) -> Delivery | None:
        """Note what became of an attempt. Return None where another holder has the delivery by now."""

        async def work(connection: AsyncConnection) -> Delivery | None:
            found = await connection.execute(
                select(deliveries.c.failures, deliveries.c.patience_from_ms)
                .where(*_held(claim))
                .with_for_update()
            )
            row = found.one_or_none()
            if row is None:
                return None
            values = self._after(outcome, row)
            noted = await connection.execute(
                update(deliveries)
                .where(*_held(claim))
                .values(lease_until_ms=0, **values)
                .returning(deliveries)
            )
            return delivery_of(noted.one())

        return await self._store.write(work)

    async def release(self, claim: Claim, *, sent: bool) -> None:
        """Give a delivery back, due at once; one that may have been sent is `interrupted` next time."""
        unsent = {"lease_holder": None, "attempts": deliveries.c.attempts - 1}
        statement = (
            update(deliveries).where(*_held(claim)).values(lease_until_ms=0, **({} if sent else unsent))
        )
        await self._store.write(lambda connection: connection.execute(statement))

    def _after(self, outcome: Outcome, row: "Row[int, int]") -> Mapping[str, object]:
        now_ms = self._store.clock()
        if isinstance(outcome, Delivered):
            return {
                "state": State.DELIVERED,
                "lease_holder": None,
                "results": outcome.results,
                "last_error": None,
                "progress": None,
                "next_attempt_ms": None,
                "finish_ms": now_ms,
            }
        kept = {"progress": outcome.progress, "results": outcome.results}
        values: dict[str, object] = {name: value for name, value in kept.items() if value is not None}
        values |= {"last_error": outcome.error, "failures": row.failures + 1}
        if not (isinstance(outcome, Retry) and outcome.unclear):
            values["lease_holder"] = None
        ends_ms = row.patience_from_ms + round(self._patience.age_s * 1000)
        if isinstance(outcome, Dead) or now_ms >= ends_ms:
            return values | {"state": State.DEAD, "next_attempt_ms": None, "finish_ms": now_ms}
        # The last attempt is made when the patience ends, not before.
        return values | {"next_attempt_ms": min(now_ms + self._pause_ms(outcome, row.failures), ends_ms)}

    def _pause_ms(self, outcome: Retry, failures: int) -> int:
        doubled: float = self._patience.first_pause_s * 2 ** min(failures, 32)
        pause_s = min(doubled, self._patience.longest_pause_s) * random.uniform(0.5, 1)  # noqa: S311 # jitter
        return round(max(pause_s, outcome.retry_after_s) * 1000)


def _held(claim: Claim) -> tuple[Any, ...]:
    return (
        deliveries.c.delivery_id == claim.delivery.delivery_id,
        deliveries.c.lease_holder == claim.holder,
        deliveries.c.state == State.PENDING,
    )
