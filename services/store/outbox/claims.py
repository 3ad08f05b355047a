"""Claims due deliveries for a relay, and records the outcomes of its attempts."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import deliveries
from services.store.database.sql_dialect import advisory_xact_lock
from services.store.database.store import Store
from services.store.outbox.deliveries import CLAIMS_LOCK, Delivery, State
from services.store.outbox.outcomes import DeadOutcome, DeliveredOutcome, Outcome, RetryOutcome

_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long and how often a delivery is retried."""

    initial_delay_s: float = 1.0
    """After the first failure. The delay doubles with each further failure, up to `max_delay_s`."""
    max_delay_s: float = 300.0
    """Jitter shortens a delay by up to a half."""
    max_age_s: float = 86_400.0
    """A delivery that fails this long after it was enqueued, or retried by hand, is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that only the holder may send, until the lease expires."""

    delivery: Delivery
    holder: str
    """Id of the call of `claim()`. An outcome is recorded only while it is the row's `lease_holder`."""


class Claims:
    """Claims deliveries. Only the first pending delivery of each ordering key can be claimed."""

    def __init__(self, store: Store, retry_policy: RetryPolicy) -> None:
        self._store = store
        self._retry_policy = retry_policy

    async def claim(self, limit: int, lease_s: float) -> list[Claim]:
        """Claim up to `limit` due deliveries, the longest due first."""

        async def work(connection: AsyncConnection) -> list[Claim]:
            await advisory_xact_lock(connection, CLAIMS_LOCK, shared=True)
            now_ms = self._store.clock()
            earlier = deliveries.alias("earlier")
            is_blocked = exists().where(
                earlier.c.ordering_key == deliveries.c.ordering_key,
                earlier.c.seq < deliveries.c.seq,
                earlier.c.state == State.PENDING,
            )
            due = (
                select(deliveries.c.seq, deliveries.c.lease_holder)
                .where(
                    deliveries.c.state == State.PENDING,
                    deliveries.c.next_attempt_time_ms <= now_ms,
                    deliveries.c.lease_expire_time_ms <= now_ms,
                    ~is_blocked,
                )
                .order_by(deliveries.c.next_attempt_time_ms, deliveries.c.seq)
                .limit(limit)
                .with_for_update(skip_locked=True)  # a locked row is being claimed by another replica
            )
            # A holder remains in the row if the outcome of its attempt is unknown or was not recorded.
            previous_outcome_unknown = {
                row.seq: row.lease_holder is not None for row in await connection.execute(due)
            }
            if not previous_outcome_unknown:
                return []
            holder = uuid.uuid4().hex
            claimed = await connection.execute(
                update(deliveries)
                .where(deliveries.c.seq.in_(previous_outcome_unknown))
                .values(
                    attempts=deliveries.c.attempts + 1,
                    last_attempt_time_ms=now_ms,
                    lease_expire_time_ms=now_ms + round(lease_s * 1000),
                    lease_holder=holder,
                )
                .returning(deliveries)
            )
            return [
                Claim(
                    delivery=Delivery.from_row(
                        row, previous_outcome_unknown=previous_outcome_unknown[row.seq]
                    ),
                    holder=holder,
                )
                for row in claimed
            ]

        return await self._store.write(work)

    async def find_next_due_time_ms(self, after_ms: int) -> int | None:
        """Return the first time after `after_ms` when a delivery becomes due; None if there is none."""
        # A blocked delivery becomes due when the earlier one is finished, and that notifies the relay.
        due_time_ms = case(
            (
                deliveries.c.lease_expire_time_ms > deliveries.c.next_attempt_time_ms,
                deliveries.c.lease_expire_time_ms,
            ),
            else_=deliveries.c.next_attempt_time_ms,
        )
        statement = select(func.min(due_time_ms)).where(
            deliveries.c.state == State.PENDING, due_time_ms > after_ms
        )
        rows = await self._store.read(lambda connection: connection.execute(statement))
        next_due_time_ms: int | None = rows.scalar_one()
        return next_due_time_ms

    async def record_outcome(self, claim: Claim, outcome: Outcome) -> Delivery | None:
        """Record the outcome of an attempt. Return None if the claim is lost."""

        async def work(connection: AsyncConnection) -> Delivery | None:
            rows = await connection.execute(
                select(deliveries.c.failures, deliveries.c.retry_start_time_ms)
                .where(*_is_held(claim))
                .with_for_update()
            )
            row = rows.one_or_none()
            if row is None:
                return None
            updated = await connection.execute(
                update(deliveries)
                .where(*_is_held(claim))
                .values(lease_expire_time_ms=0, **self._outcome_values(outcome, row))
                .returning(deliveries)
            )
            return Delivery.from_row(updated.one())

        return await self._store.write(work)

    async def release(self, claim: Claim, *, was_sent: bool) -> None:
        """Release a claim, so that the delivery is due immediately.

        If it was sent, the next attempt has `previous_outcome_unknown`.
        """
        values: dict[str, object] = {"lease_expire_time_ms": 0}
        if not was_sent:
            values |= {"lease_holder": None, "attempts": deliveries.c.attempts - 1}
        statement = update(deliveries).where(*_is_held(claim)).values(**values)
        await self._store.write(lambda connection: connection.execute(statement))

    def _outcome_values(self, outcome: Outcome, row: "Row[int, int]") -> Mapping[str, object]:
        now_ms = self._store.clock()
        if isinstance(outcome, DeliveredOutcome):
            return {
                "state": State.DELIVERED,
                "lease_holder": None,
                "results": outcome.results,
                "last_error": None,
                "progress": None,
                "next_attempt_time_ms": None,
                "finish_time_ms": now_ms,
            }
        values: dict[str, object] = {"last_error": outcome.error, "failures": row.failures + 1}
        if outcome.progress is not None:
            values["progress"] = outcome.progress
        if outcome.results is not None:
            values["results"] = outcome.results
        if not (isinstance(outcome, RetryOutcome) and outcome.outcome_unknown):
            values["lease_holder"] = None
        max_time_ms = row.retry_start_time_ms + round(self._retry_policy.max_age_s * 1000)
        if isinstance(outcome, DeadOutcome) or now_ms >= max_time_ms:
            return values | {"state": State.DEAD, "next_attempt_time_ms": None, "finish_time_ms": now_ms}
        # A delay beyond the maximum age is shortened: the last attempt is made at that age.
        delay_ms = self._retry_delay_ms(outcome, row.failures)
        return values | {"next_attempt_time_ms": min(now_ms + delay_ms, max_time_ms)}

    def _retry_delay_ms(self, outcome: RetryOutcome, failures: int) -> int:
        doubled_s: float = self._retry_policy.initial_delay_s * 2 ** min(failures, _MAX_DOUBLINGS)
        jitter = random.uniform(0.5, 1)  # noqa: S311 # jitter is not a secret
        delay_s = min(doubled_s, self._retry_policy.max_delay_s) * jitter
        return round(max(delay_s, outcome.retry_after_s) * 1000)


def _is_held(claim: Claim) -> tuple[Any, ...]:
    return (
        deliveries.c.delivery_id == claim.delivery.delivery_id,
        deliveries.c.lease_holder == claim.holder,
        deliveries.c.state == State.PENDING,
    )
