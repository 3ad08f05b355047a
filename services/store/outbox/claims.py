"""Claims due deliveries for a relay, and records the outcomes of its attempts."""

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Boolean, LargeBinary, Row, bindparam, case, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StoreUnavailable
from services.store.coordination.notifier import Notifier
from services.store.database.batcher import Batcher
from services.store.database.schema import deliveries
from services.store.database.sql_dialect import is_in
from services.store.database.store import Store
from services.store.outbox.deliveries import DELIVERIES_CHANNEL, finished_channel
from services.store.outbox.delivery import Delivery, State
from services.store.outbox.heads import (
    Head,
    find_due_heads,
    find_next_due_time_ms,
    lease_heads,
    lock_heads,
    update_heads,
)
from services.store.outbox.outcomes import DeadOutcome, DeliveredOutcome, Outcome, RetryOutcome

BATCH_SIZE = 200
"""Outcomes in one transaction."""
_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long and how often a delivery is retried."""

    initial_delay_s: float = 1.0
    """After the first failure. The delay doubles with each further failure, up to `max_delay_s`."""
    max_delay_s: float = 300.0
    """Each delay is then shortened by up to a half at random (jitter)."""
    max_age_s: float = 86_400.0
    """A delivery that fails this long after it was enqueued, or retried by hand, is dead."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that only the holder may send, until the lease expires."""

    delivery: Delivery
    seq: int
    holder: str
    """Id of the call of `claim()`. An outcome is recorded only while the row's `lease_holder` is this id."""
    failures: int
    retry_start_time_ms: int


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a claim without an outcome: the delivery is due at once."""

    was_sent: bool
    """Whether 1688 may have executed the attempt. The next one then gets `previous_outcome_unknown`."""


class Claims:
    """Claims deliveries. Only the head of each ordering group can be claimed.

    Outcomes that are recorded at the same time share a transaction.
    """

    def __init__(self, store: Store, notifier: Notifier, retry_policy: RetryPolicy) -> None:
        self._store = store
        self._notifier = notifier
        self._retry_policy = retry_policy
        self._turn = 0
        """The number of heads that were found."""
        self._batcher: Batcher[tuple[Claim, Outcome | Release], State | None] = Batcher(
            self._record_batch,
            batch_size=BATCH_SIZE,
            max_pending=store.limits.max_pending,
            timeout_s=store.limits.transaction_timeout_s,
        )

    async def claim(self, limits: Mapping[str, int], limit: int, lease_s: float) -> list[Claim]:
        """Claim up to `limit` due deliveries, of each RPC at most as many as `limits` says."""
        return await self._store.tasks.run_or_undo(self._claim(limits, limit, lease_s), self._release)

    async def _claim(self, limits: Mapping[str, int], limit: int, lease_s: float) -> list[Claim]:
        holder = uuid.uuid4().hex
        found: list[Head] = []

        async def work(connection: AsyncConnection) -> list[Claim]:
            now_ms = self._store.clock()
            found[:] = await find_due_heads(connection, limits, limit=limit, now_ms=now_ms, turn=self._turn)
            self._turn += len(found)
            if not found:
                return []
            lease_expire_ms = now_ms + round(lease_s * 1000)
            values = {"now_ms": now_ms, "lease_expire_ms": lease_expire_ms, "holder": holder}
            rows = await connection.execute(_CLAIM, {"seqs": [head.seq for head in found]} | values)
            await lease_heads(connection, found, lease_expire_ms)
            claims = {row.seq: _to_claim(row) for row in rows}
            return [claims[head.seq] for head in found]

        async def release(connection: AsyncConnection) -> None:
            await _release_held(connection, found, holder)

        try:
            return await self._store.write(work)
        except StoreUnavailable:
            if found:  # it may have been committed, and these deliveries are not sent
                await self._store.settle(
                    release, on_commit=self._notify_due, within_s=lease_s, what="delivery_claim_release"
                )
            raise

    async def _release(self, claims: Sequence[Claim]) -> None:
        """Release claims whose deliveries were not sent."""
        await asyncio.gather(*(self.record(claim, Release(was_sent=False)) for claim in claims))

    def _notify_due(self, _: object) -> None:
        self._notifier.notify(DELIVERIES_CHANNEL)

    async def find_next_due_time_ms(self, rpcs: Collection[str]) -> int | None:
        """Return when the next delivery of these RPCs is due, now or later; None if there is none. 0: now."""
        return await self._store.read(lambda connection: find_next_due_time_ms(connection, rpcs))

    async def record(self, claim: Claim, outcome: Outcome | Release) -> State | None:
        """Record how an attempt ended; return the delivery's new state.

        Return None if the delivery is no longer claimed by `claim`.
        """
        return await self._batcher.submit((claim, outcome))

    async def close(self) -> None:
        """Wait until the outcomes are recorded."""
        await self._batcher.close()

    async def _record_batch(
        self, batch: Sequence[tuple[Claim, Outcome | Release]]
    ) -> "Sequence[State | None]":
        groups = {claim.delivery.ordering_group: claim.seq for claim, _ in batch}

        async def work(connection: AsyncConnection) -> tuple[list[State | None], bool]:
            await lock_heads(connection, groups.keys())
            seqs = [claim.seq for claim, _ in batch]
            rows = await connection.execute(_SELECT_HOLDERS, {"seqs": seqs})
            holders = {row.seq: row.lease_holder for row in rows}
            now_ms = self._store.clock()
            states: list[State | None] = [None] * len(batch)
            delivered: defaultdict[bytes | None, list[int]] = defaultdict(list)
            changes, releases = [], []
            for index, (claim, outcome) in enumerate(batch):
                if holders.get(claim.seq) != claim.holder:
                    continue
                if isinstance(outcome, Release):
                    states[index] = State.PENDING
                    releases.append({"seq_": claim.seq, "was_sent": outcome.was_sent})
                elif isinstance(outcome, DeliveredOutcome):
                    states[index] = State.DELIVERED
                    delivered[outcome.results].append(claim.seq)
                else:
                    change = self._to_change(claim, outcome, now_ms)
                    states[index] = change["state_"]
                    changes.append(change)
            for results, seqs in delivered.items():  # most have the same results
                values = {"seqs": seqs, "results_": results, "now_ms": now_ms}
                await connection.execute(_RECORD_DELIVERED, values)
            if changes:
                await connection.execute(_RECORD_FAILED, changes)
            if releases:
                await connection.execute(_RELEASE, releases)
            heads = await update_heads(connection, groups)
            # A group whose delivery is to be retried later has a head that is not due yet.
            return states, heads > sum(change["next_attempt_time_ms_"] is not None for change in changes)

        def notify(recorded: tuple[list[State | None], bool]) -> None:
            states, is_next_due = recorded
            finished = [
                finished_channel(claim.delivery.delivery_id)
                for (claim, _), state in zip(batch, states, strict=True)
                if state not in (None, State.PENDING)
            ]
            self._notifier.notify(*finished, *([DELIVERIES_CHANNEL] if is_next_due else []))
            if State.PENDING in states:  # the relay of this process waits until the next delivery is due
                self._notifier.notify_local([DELIVERIES_CHANNEL])

        states, _ = await self._store.write(work, on_commit=notify)
        return states

    def _to_change(self, claim: Claim, outcome: RetryOutcome | DeadOutcome, now_ms: int) -> dict[str, Any]:
        """Return the parameters of `_RECORD_FAILED`."""
        change: dict[str, Any] = {
            "seq_": claim.seq,
            "results_": outcome.results,
            "last_error_": outcome.error,
            "outcome_unknown_": isinstance(outcome, RetryOutcome) and outcome.outcome_unknown,
        }
        max_time_ms = claim.retry_start_time_ms + round(self._retry_policy.max_age_s * 1000)
        if isinstance(outcome, DeadOutcome) or now_ms >= max_time_ms:
            return change | {
                "state_": State.DEAD,
                "next_attempt_time_ms_": None,
                "finish_time_ms_": now_ms,
            }
        # A delay beyond the maximum age is shortened: the last attempt is made at that age.
        next_time_ms = min(now_ms + self._retry_delay_ms(outcome, claim.failures), max_time_ms)
        return change | {
            "state_": State.PENDING,
            "next_attempt_time_ms_": next_time_ms,
            "finish_time_ms_": None,
        }

    def _retry_delay_ms(self, outcome: RetryOutcome, failures: int) -> int:
        policy = self._retry_policy
        doubled_s: float = policy.initial_delay_s * 2 ** min(failures, _MAX_DOUBLINGS)
        jitter = random.uniform(0.5, 1)  # noqa: S311 # jitter is not a secret
        delay_s = min(doubled_s, policy.max_delay_s) * jitter
        return round(max(delay_s, outcome.retry_after_s) * 1000)


def _to_claim(row: "Row[Any]") -> Claim:
    return Claim(
        delivery=Delivery.from_row(row, previous_outcome_unknown=row.outcome_unknown),
        seq=row.seq,
        holder=row.lease_holder,
        failures=row.failures,
        retry_start_time_ms=row.retry_start_time_ms,
    )


async def _release_held(connection: AsyncConnection, heads: Sequence[Head], holder: str) -> None:
    """Release the heads that a holder has claimed, and that were not sent."""
    await lock_heads(connection, [head.ordering_group for head in heads])
    statement = select(deliveries.c.seq, deliveries.c.ordering_group).where(
        deliveries.c.seq.in_([head.seq for head in heads]), deliveries.c.lease_holder == holder
    )
    held = {row.ordering_group: row.seq for row in await connection.execute(statement)}
    if held:
        await connection.execute(_RELEASE, [{"seq_": seq, "was_sent": False} for seq in held.values()])
        await update_heads(connection, held)


_CLAIM = (
    update(deliveries)
    .where(is_in(deliveries.c.seq, "seqs"))
    .values(
        attempts=deliveries.c.attempts + 1,
        last_attempt_time_ms=bindparam("now_ms"),
        lease_expire_time_ms=bindparam("lease_expire_ms"),
        lease_holder=bindparam("holder"),
        # The last holder is still there if its lease expired before it recorded an outcome.
        outcome_unknown=deliveries.c.outcome_unknown | deliveries.c.lease_holder.is_not(None),
    )
    .returning(deliveries)
)
_SELECT_HOLDERS = select(deliveries.c.seq, deliveries.c.lease_holder).where(
    is_in(deliveries.c.seq, "seqs")  # and no state: SQLite would search by it
)
_RESULTS = func.coalesce(bindparam("results_", type_=LargeBinary), deliveries.c.results)
_RECORD_DELIVERED = (
    update(deliveries)
    .where(is_in(deliveries.c.seq, "seqs"))
    .values(
        state=State.DELIVERED,
        last_error=None,
        results=_RESULTS,
        next_attempt_time_ms=None,
        finish_time_ms=bindparam("now_ms"),
        lease_expire_time_ms=0,
        lease_holder=None,
        outcome_unknown=False,
    )
)
_RECORD_FAILED = (
    update(deliveries)
    .where(deliveries.c.seq == bindparam("seq_"))
    .values(
        state=bindparam("state_"),
        failures=deliveries.c.failures + 1,
        last_error=bindparam("last_error_"),
        results=_RESULTS,
        next_attempt_time_ms=bindparam("next_attempt_time_ms_"),
        finish_time_ms=bindparam("finish_time_ms_"),
        lease_expire_time_ms=0,
        lease_holder=None,
        outcome_unknown=bindparam("outcome_unknown_"),
    )
)
_RELEASE = (
    update(deliveries)
    .where(deliveries.c.seq == bindparam("seq_"))
    .values(
        attempts=deliveries.c.attempts
        - case((bindparam("was_sent", type_=Boolean), literal_column("0")), else_=literal_column("1")),
        next_attempt_time_ms=0,
        lease_expire_time_ms=0,
        lease_holder=None,
        outcome_unknown=deliveries.c.outcome_unknown | bindparam("was_sent", type_=Boolean),
    )
)
