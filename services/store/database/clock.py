"""The store's time: that of the database server, or with SQLite that of this machine, and never set back.

Between two measurements the time advances by the monotonic clock. If the source is set back, leases and
retries must not wait for it: the store's time goes on, ahead of the source, and advances by a tenth slower
until the source has caught up. The lead is stored, so that replicas that start later have the same time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StoreUnavailable
from services.store.database.future_times import limit_future_times
from services.store.database.schema import store_clock
from services.store.database.sql_dialect import insert_into, read_time_ms
from services.store.database.store import Store

SYNC_INTERVAL_S = 10.0
"""Between two measurements."""
SAMPLES = 3
"""Readings of the source in one measurement. The one with the shortest round trip counts."""
SLOWDOWN = 0.1
"""How much slower the store's time advances while it is ahead of the source."""
MAX_LEAD_MS = 7_200_000.0
"""A lead above this ends at once: stored times that are too far in the future are corrected instead."""
MAX_STORED_LEAD_AGE_MS = 3 * SYNC_INTERVAL_S * 1000
"""Running replicas store the lead more often than this. After more time the source was set forward."""
STEP_MS = 1000.0
"""A difference above this is counted and logged as a step of the source."""

ReadTime = Callable[[AsyncConnection], Awaitable[float]]
"""Reads the source: milliseconds since the epoch."""

_error = Gauge(
    "nationalsite_store_clock_error_seconds",
    "How far the store's time of this replica may be from the database's: half a round trip.",
)
_lead = Gauge(
    "nationalsite_store_clock_lead_seconds",
    "How far the store's time is ahead of the database's, because that was set back.",
)
_steps = Counter(
    "nationalsite_store_clock_steps", "Steps of the database's clock by more than a second.", ("direction",)
)
for _direction in ("forward", "back"):
    _steps.labels(_direction)
_machine_skew = Gauge(
    "nationalsite_machine_clock_skew_seconds",
    "How far the clock of this machine is ahead of the store's time.",
)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """A reading of the source, between two readings of the monotonic clock, all in milliseconds."""

    before_ms: float
    source_ms: float
    after_ms: float

    @property
    def round_trip_ms(self) -> float:
        return self.after_ms - self.before_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class _Time:
    """The store's time, as it was set at one moment of the monotonic clock."""

    set_at_ms: float
    source_ms: float
    lead_ms: float

    def at(self, monotonic_ms: float) -> float:
        return self.source_ms + monotonic_ms - self.set_at_ms + self.lead_at(monotonic_ms)

    def lead_at(self, monotonic_ms: float) -> float:
        return max(0.0, self.lead_ms - SLOWDOWN * (monotonic_ms - self.set_at_ms))


class StoreClock:
    """Returns the store's time, in milliseconds since the epoch."""

    def __init__(
        self,
        read_source: ReadTime = read_time_ms,
        monotonic: Callable[[], float] = time.monotonic,
        machine_time: Callable[[], float] = time.time,
    ) -> None:
        self._read_source = read_source
        self._monotonic = monotonic
        self._machine_time = machine_time
        self._time: _Time | None = None
        self._has_future_times = False

    def __call__(self) -> int:
        """Return the time. The clock must be opened."""
        assert self._time is not None  # noqa: S101 # `open_store` opens it
        return int(self._time.at(self._monotonic() * 1000))

    async def open(self, store: Store) -> None:
        """Measure for the first time. Raises StoreUnavailable."""
        await self._measure(store)

    async def run(self, store: Store) -> None:
        """Measure at intervals until cancelled."""
        delay_s = 0.0 if self._has_future_times else SYNC_INTERVAL_S
        while True:
            await asyncio.sleep(delay_s)
            delay_s = SYNC_INTERVAL_S
            try:
                await self.synchronize(store)
            except StoreUnavailable:
                continue  # it is logged already
            except Exception as error:
                _log.exception("store_clock_failed", exc_info=error)  # a bug must not end the loop

    async def synchronize(self, store: Store) -> None:
        """Measure, and store the lead for the other replicas. Raises StoreUnavailable."""
        current = await self._measure(store)
        if self._has_future_times:
            await limit_future_times(store, self())
        values = {"source_time_ms": round(current.source_ms), "lead_ms": round(current.lead_ms)}

        async def work(connection: AsyncConnection) -> None:
            new = insert_into(connection, store_clock).values(id=1, **values)
            # A replica that does not know another one's lead yet must not remove it.
            is_later = new.excluded.source_time_ms + new.excluded.lead_ms > (
                store_clock.c.source_time_ms + store_clock.c.lead_ms
            )
            await connection.execute(
                new.on_conflict_do_update(
                    index_elements=["id"], set_=values, where=None if self._has_future_times else is_later
                )
            )

        await store.write(work)
        self._has_future_times = False

    async def _measure(self, store: Store) -> _Time:
        async def work(connection: AsyncConnection) -> "tuple[_Sample, Row[Any] | None]":
            samples = [await self._read_sample(connection) for _ in range(SAMPLES)]
            stored = await connection.execute(select(store_clock))
            return min(samples, key=lambda sample: sample.round_trip_ms), stored.one_or_none()

        sample, stored = await store.read(work)
        self._time = self._follow(sample, stored)
        _error.set(sample.round_trip_ms / 2 / 1000)
        _lead.set(self._time.lead_ms / 1000)
        _machine_skew.set(self._machine_time() - self() / 1000)
        return self._time

    async def _read_sample(self, connection: AsyncConnection) -> _Sample:
        before_ms = self._monotonic() * 1000
        source_ms = await self._read_source(connection)
        return _Sample(before_ms=before_ms, source_ms=source_ms, after_ms=self._monotonic() * 1000)

    def _follow(self, sample: _Sample, stored: "Row[Any] | None") -> _Time:
        """Return the time to use from now on. It differs from the present one only as far as is proven."""
        now_ms = self._monotonic() * 1000
        # The source was read at an unknown moment between `before` and `after`.
        earliest_ms = sample.source_ms + now_ms - sample.after_ms
        latest_ms = sample.source_ms + now_ms - sample.before_ms
        middle_ms = (earliest_ms + latest_ms) / 2
        present_ms = middle_ms if self._time is None else self._time.at(now_ms)
        lead_ms = max(0.0, present_ms - latest_ms, _stored_lead_ms(stored, latest_ms))
        if self._time is not None and present_ms < earliest_ms - STEP_MS:
            _count_step("forward", earliest_ms - present_ms)
        if self._time is not None and lead_ms > self._time.lead_at(now_ms) + STEP_MS:
            _count_step("back", lead_ms - self._time.lead_at(now_ms))
        if lead_ms > MAX_LEAD_MS:
            self._has_future_times = True
            return _Time(set_at_ms=now_ms, source_ms=middle_ms, lead_ms=0.0)
        if lead_ms:
            return _Time(set_at_ms=now_ms, source_ms=latest_ms, lead_ms=lead_ms)
        return _Time(set_at_ms=now_ms, source_ms=max(present_ms, earliest_ms), lead_ms=0.0)


def _stored_lead_ms(stored: "Row[Any] | None", source_ms: float) -> float:
    """Return the lead that a replica has stored, as it is now."""
    if stored is None:
        return 0.0
    elapsed_ms = source_ms - stored.source_time_ms
    if 0 <= elapsed_ms <= MAX_STORED_LEAD_AGE_MS:
        return float(stored.lead_ms - SLOWDOWN * elapsed_ms)
    # The source was set since then, or no replica ran: the time is only not set back.
    return float(stored.lead_ms - elapsed_ms)


def _count_step(direction: str, step_ms: float) -> None:
    _steps.labels(direction).inc()
    _log.warning("store_clock_stepped", direction=direction, seconds=step_ms / 1000)
