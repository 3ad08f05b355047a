"""A store runs units of work, each in one durable transaction, on SQLite or PostgreSQL.

The rest of the store uses only `Store.write` and `Store.read`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from sqlalchemy import text

from services.caller import current_queue_owner
from services.errors import StoreUnavailable
from services.fair_queue import FairSlots, QueueFull
from services.store.database.db_errors import limit_time, reject_waiter, translate_db_errors
from services.store.database.engine import Engine, StoreLimits, UnitOfWork
from services.tracked_tasks import TrackedTasks

T = TypeVar("T")

Clock = Callable[[], int]
"""Returns the store's time, in milliseconds since the epoch."""

MAX_SQLITE_WRITES = 200
"""Writes that run, or wait for the next transaction of SQLite's writer. The others wait in turn by caller."""

_READ_PROBE = text("SELECT 1 FROM alembic_version")
_WRITE_PROBE = text("UPDATE alembic_version SET version_num = version_num")

MAX_RETRIED_WRITES = 1000
"""Writes that are retried in the background. Further ones are given up at once."""
REWRITE_TIMEOUT_S = 3600.0
"""For writing tables anew."""
SCRUB_MARGIN_S = 10.0
"""For moving the journal into the database, besides the wait for readers."""
_SETTLE_TIMEOUT_S = 1.0
_MIN_RETRY_DELAY_S, _MAX_RETRY_DELAY_S = 0.1, 5.0

_log = structlog.get_logger()


class Store:
    """Runs units of work. Raises StoreUnavailable if the database cannot be used. Reconnects by itself."""

    def __init__(self, engine: Engine, *, url: str, limits: StoreLimits, clock: Clock) -> None:
        self._engine = engine
        self._read_slots = _build_slots(limits.max_connections, limits)
        self._write_slots = self._read_slots
        if not self.is_postgresql:
            # One connection writes, a batch at a time. The others read.
            self._read_slots = _build_slots(max(1, limits.max_connections - 1), limits)
            self._write_slots = _build_slots(MAX_SQLITE_WRITES, limits)
        self._pending = TrackedTasks()
        self._retried_writes = TrackedTasks()
        self._closing = asyncio.Event()
        self._last_write_succeeded = True
        self.tasks = TrackedTasks()
        """Work on this store that must be finished once it has begun. Each unit of work has a timeout."""
        self.limits = limits
        self.url = url
        self.clock = clock
        """The source of stored times and of lease expiry."""

    @property
    def is_postgresql(self) -> bool:
        """Whether replicas may share this store."""
        return self._engine.name == "postgresql"

    @property
    def is_pooled(self) -> bool:
        """Whether a connection pooler is in front of PostgreSQL: nothing may need a session."""
        return self._engine.is_pooled

    async def write(self, work: UnitOfWork[T], on_commit: Callable[[T], object] | None = None) -> T:
        """Run a unit of work in one durable transaction. Then call `on_commit` with its result.

        Both happen even if the caller is cancelled, so that no transaction stays open and no notification is
        lost. After StoreUnavailable it is not known whether the transaction was committed. So every unit of
        work that writes must be safe to retry.
        """
        try:
            return await self._run(self._write_slots, self._write(work, on_commit))
        except StoreUnavailable:
            self._last_write_succeeded = False
            raise

    async def settle(
        self,
        work: UnitOfWork[T],
        on_commit: Callable[[T], object] | None = None,
        *,
        within_s: float,
        what: str,
    ) -> None:
        """Write what must be written even if it is late, such as the end of a lease. Never raises.

        If the store is unavailable, this returns, and the write is retried in the background until it
        succeeds. After a failed write this waits only briefly for the first attempt, because a call that has
        waited for a server that hangs must end. After `within_s`, or when the store is closed, the write is
        given up, and logged as `what`.
        """
        await self.tasks.run(self._settle(lambda: self.write(work, on_commit), within_s, what))

    async def read(self, work: UnitOfWork[T]) -> T:
        """Run a unit of work that only reads."""
        return await self._run(self._read_slots, self._engine.read(work))

    async def scrub(self, *, timeout_s: float, rewrite: Sequence[str] = ()) -> bool:
        """Remove the content of deleted rows from the files. See `Engine.scrub`."""
        with translate_db_errors():
            async with asyncio.timeout(REWRITE_TIMEOUT_S if rewrite else timeout_s + SCRUB_MARGIN_S):
                return await self._pending.run(self._engine.scrub(timeout_s=timeout_s, rewrite=rewrite))

    async def is_healthy(self) -> bool:
        """Return within `health_timeout_s` whether the store can be used: for the readiness probe.

        A read is enough while writes succeed. After a failed write the probe writes, because a full, locked
        or read-only database can still be read.
        """
        run, probe = (self.read, _READ_PROBE) if self._last_write_succeeded else (self.write, _WRITE_PROBE)
        try:
            async with asyncio.timeout(self.limits.health_timeout_s):
                await run(lambda connection: connection.execute(probe))
        except (StoreUnavailable, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Wait for the tasks and for pending units of work. Then close every connection.

        Each unit of work has a timeout. A write that is being retried is tried once more.
        """
        await self.tasks.close()
        self._closing.set()
        await self._retried_writes.close()
        await self._pending.close()
        await self._engine.close()

    async def _run(self, slots: FairSlots, work: Coroutine[Any, Any, T]) -> T:
        # If the server hangs, the end of a unit of work takes seconds: psycopg asks the server to cancel the
        # statement, and waits for that. Its caller does not wait for this.
        async with limit_time(self.limits.transaction_timeout_s):
            return await self._pending.run(self._run_with_timeout(slots, work))

    async def _run_with_timeout(self, slots: FairSlots, work: Coroutine[Any, Any, T]) -> T:
        try:
            async with limit_time(self.limits.transaction_timeout_s):
                await self._acquire(slots)
                try:
                    return await work
                finally:
                    slots.release()
        finally:
            work.close()  # it has not begun if it got no slot

    async def _acquire(self, slots: FairSlots) -> None:
        if slots.try_acquire():
            return
        timeout_s = self.limits.lock_timeout_s if slots is self._read_slots else None
        try:
            async with asyncio.timeout(timeout_s):
                await slots.wait(current_queue_owner())
        except QueueFull:
            raise reject_waiter() from None

    async def _write(self, work: UnitOfWork[T], on_commit: Callable[[T], object] | None) -> T:
        result = await self._engine.write(work)
        self._last_write_succeeded = True
        if on_commit is not None:
            on_commit(result)
        return result

    async def _settle(self, write: Callable[[], Awaitable[object]], within_s: float, what: str) -> None:
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(None if self._last_write_succeeded else _SETTLE_TIMEOUT_S):
                await write()
                return
        if len(self._retried_writes) < MAX_RETRIED_WRITES:
            self._retried_writes.start(self._retry(write, within_s, what))
        else:
            _log.warning("write_given_up", what=what)

    async def _retry(self, write: Callable[[], Awaitable[object]], within_s: float, what: str) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + within_s
        delay_s = _MIN_RETRY_DELAY_S
        is_last = False
        while not is_last:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(clock() + delay_s, deadline)):
                    await self._closing.wait()
            is_last = self._closing.is_set() or clock() >= deadline
            delay_s = min(2 * delay_s, _MAX_RETRY_DELAY_S)
            with suppress(StoreUnavailable):
                await write()
                return
        _log.warning("write_given_up", what=what)


def _build_slots(slots: int, limits: StoreLimits) -> FairSlots:
    slots = min(slots, limits.max_pending)
    return FairSlots(slots, max_waiting=limits.max_pending - slots)
