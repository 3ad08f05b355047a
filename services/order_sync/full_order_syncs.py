"""Runs the syncs of a full order one at a time, in all replicas.

A sync reads the stored order, builds from it what to send, sends it, and stores what it sent. If two syncs
of an order overlapped, the later one could undo what 1688 has accepted from the earlier one. ADR 0090
explains what happens when a process dies, the store fails, or the outcome of a sync is unknown.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from google.protobuf.message import Message

from services.errors import (
    DeadlineExceeded,
    DeadlineExceededInFlight,
    NationalsiteError,
    OutcomeUnknown,
    StoreUnavailable,
    SyncInProgress,
    UpstreamFault,
    UpstreamRefused,
    UpstreamUnreadable,
)
from services.log_fields import bind_log_fields, get_log_fields
from services.message_hash import hash_message
from services.store import (
    BegunSync,
    FullOrder,
    FullOrderKey,
    FullOrders,
    Notifier,
    SyncInFlight,
    wait_for_event,
)
from services.tracked_tasks import TrackedTasks

M = TypeVar("M", bound=Message)

ERRORS_WITH_RESPONSE = (UpstreamFault, UpstreamRefused, UpstreamUnreadable)
"""1688 may have executed the sync, but has responded: it does not execute the sync later."""
SEND_GRACE_S = 1.0
"""Sending a sync ends by itself at its deadline. This long after it, it is cancelled."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FullOrderSyncConfig:
    """Timeouts and limits of the syncs of full orders."""

    max_send_s: float = 20.0
    """For sending one sync."""
    min_send_s: float = 10.0
    """As much time a sync gets even if its caller's deadline is earlier. The outcome is then known, and the
    next sync need not wait for the end of a request whose caller has left."""
    store_timeout_s: float = 10.0
    """How long storing an order that 1688 accepted is retried."""
    lease_margin_s: float = 5.0
    """Added to the lease: for SEND_GRACE_S, and for an inexact time of the store."""
    max_wait_s: float = 5.0
    """How long a sync waits for the others of its order."""
    wait_fraction: float = 0.8
    """How much of the time until its deadline a sync waits at most, so that its error arrives in time."""
    max_waiting: int = 100
    """How many syncs of an order may wait in this process. Further ones are rejected."""
    poll_interval_s: float = 1.0
    """Between two checks whether a sync may begin, if no notification arrives."""
    unknown_outcome_s: float = 10.0
    """How long 1688 may still execute a sync after its connection was lost or timed out."""
    max_rounds: int = 2
    """How often a sync is sent, if another one was stored although this one had the lease."""
    retry_delay_s: float = 0.2
    """Between two attempts to use the store."""

    @property
    def lease_s(self) -> float:
        """Return how long a sync may be in flight before others no longer wait for it."""
        return self.max_send_s + self.store_timeout_s + self.lease_margin_s


@dataclass(frozen=True, slots=True, kw_only=True)
class FullOrderSync(Generic[M]):
    """A sync of a full order."""

    key: FullOrderKey
    build: Callable[[FullOrder | None], M]
    """Returns what to send. Gets the stored order. Raises NationalsiteError."""
    send: Callable[[M, float], Awaitable[bytes]]
    """Sends it until a deadline, and returns the response."""
    to_full_order: Callable[[M], FullOrder]
    """Converts what 1688 accepted to what is stored."""
    parse: Callable[[bytes], M]
    """Parses the payload of a stored order."""
    is_whole: bool
    """The sync replaces the whole order, whatever is stored."""


class _Queue:
    """The syncs of an order that wait in this process, in the sequence of their calls."""

    def __init__(self) -> None:
        self.sync_ids: list[str] = []
        self._left = asyncio.Event()
        """Set, and replaced by a new one, when a sync leaves."""

    async def wait_for_turn(self, sync_id: str) -> None:
        """Wait until the sync is the first."""
        while self.sync_ids[0] != sync_id:
            await self._left.wait()

    def leave(self, sync_id: str) -> None:
        """Remove the sync."""
        self.sync_ids.remove(sync_id)
        self._left.set()
        self._left = asyncio.Event()


@dataclass(frozen=True, slots=True)
class _Lease:
    """A sync that has begun."""

    sync: BegunSync
    started_at: float
    """In the event loop's time; a little before the lease in the store."""

    @property
    def revision(self) -> str | None:
        return self.sync.stored.revision


class FullOrderSyncs:
    """Runs the syncs of full orders. A sync that has begun is finished even if its caller is cancelled."""

    def __init__(
        self, full_orders: FullOrders, notifier: Notifier, config: FullOrderSyncConfig | None = None
    ) -> None:
        self._full_orders = full_orders
        self._notifier = notifier
        self._config = config or FullOrderSyncConfig()
        self._queues: dict[FullOrderKey, _Queue] = {}
        self._tasks = TrackedTasks()

    async def close(self) -> None:
        """Wait for the syncs in flight; each has a timeout. Close what they use after this."""
        await self._tasks.close()

    async def run(self, sync: FullOrderSync[M], deadline: float) -> bytes:
        """Send the sync, and store what 1688 accepted. Return the response.

        It waits until the earlier syncs of the order have ended. A sync of a whole order must not replace
        what it cannot contain: if a later one was stored meanwhile, the error is SyncInProgress.

        Raises what `sync.build` and `sync.send` raise, SyncInProgress, StoreUnavailable, and
        DeadlineExceededInFlight, after which the sync goes on.
        """
        lease = await self._begin(sync, uuid.uuid4().hex, deadline)
        if _now() >= deadline:
            await self._release(lease)
            raise DeadlineExceeded("the deadline passed before the sync was sent")
        # The log line of the call has 1688's ids of the request, which the task binds in its own context.
        bound: dict[str, Any] = {}
        try:
            async with asyncio.timeout_at(deadline):
                return await self._tasks.run(self._send_and_store(sync, lease, deadline, bound))
        except TimeoutError:
            raise DeadlineExceededInFlight("the deadline passed, and the sync is still being sent") from None
        finally:
            bind_log_fields(**bound)

    async def _begin(self, sync: FullOrderSync[M], sync_id: str, deadline: float) -> _Lease:
        """Begin the sync, after those that came before it. Raises SyncInProgress."""
        config = self._config
        queue = self._queues.setdefault(sync.key, _Queue())
        earlier: set[str | None] = {*queue.sync_ids}
        if len(earlier) >= config.max_waiting:
            raise SyncInProgress("too many syncs of this order wait", **sync.key.metadata)
        queue.sync_ids.append(sync_id)
        try:
            # If others wait, this only finds out what is stored now, and by which sync.
            first = await self._try_begin(sync, sync_id, take=not earlier)
            if isinstance(first, _Lease):
                return first
            earlier |= {first.stored.revision, first.sync_id}
            now = _now()
            until = min(now + config.max_wait_s, now + (deadline - now) * config.wait_fraction)
            async with asyncio.timeout_at(until):
                await queue.wait_for_turn(sync_id)
                lease = await self._wait_to_begin(sync, sync_id)
        except TimeoutError:
            raise SyncInProgress("another sync of this order is in flight", **sync.key.metadata) from None
        finally:
            queue.leave(sync_id)
            if not queue.sync_ids:
                del self._queues[sync.key]
        if sync.is_whole and lease.revision is not None and lease.revision not in earlier:
            await self._release(lease)
            raise SyncInProgress("another sync of this order was stored meanwhile", **sync.key.metadata)
        return lease

    async def _wait_to_begin(self, sync: FullOrderSync[M], sync_id: str) -> _Lease:
        with self._notifier.watch(sync.key.channel) as notified:
            while True:
                notified.clear()
                attempt = await self._try_begin(sync, sync_id)
                if isinstance(attempt, _Lease):
                    return attempt
                await wait_for_event(notified, self._config.poll_interval_s)

    async def _try_begin(
        self, sync: FullOrderSync[M], sync_id: str, *, take: bool = True
    ) -> _Lease | SyncInFlight:
        """Begin the sync, if no other is in flight, or if its outcome is unknown and it sent the same."""
        attempt = await self._take_lease(sync.key, sync_id, take=take)
        if not take or isinstance(attempt, _Lease) or attempt.content_hash is None:
            return attempt
        try:
            content_hash = hash_message(sync.build(attempt.stored.order))
        except NationalsiteError:  # it is raised when the sync has begun
            return attempt
        if content_hash != attempt.content_hash:
            return attempt
        return await self._take_lease(sync.key, sync_id, content_hash=content_hash)

    async def _take_lease(self, key: FullOrderKey, sync_id: str, **options: Any) -> _Lease | SyncInFlight:
        """Begin the sync in the store. If the caller is cancelled meanwhile, it is ended again."""
        started_at = _now()

        async def take() -> _Lease | SyncInFlight:
            begun = await self._full_orders.begin(key, sync_id, lease_s=self._config.lease_s, **options)
            return _Lease(begun, started_at) if isinstance(begun, BegunSync) else begun

        async def undo(attempt: _Lease | SyncInFlight) -> None:
            if isinstance(attempt, _Lease):
                await self._full_orders.release(attempt.sync)

        return await self._tasks.run_or_undo(take(), undo)

    async def _release(self, lease: _Lease) -> None:
        await self._tasks.run(self._full_orders.release(lease.sync))

    async def _send_and_store(
        self, sync: FullOrderSync[M], lease: _Lease, deadline: float, bound: dict[str, Any]
    ) -> bytes:
        for sent in range(1, self._config.max_rounds + 1):
            message = await self._build(sync, lease)
            response = await self._send(sync, message, lease, deadline, bound)
            if await self._store(lease, sync.to_full_order(message)):
                return response
            _log.warning("full_order_sync_resent", cause="another sync of the order was stored")
            # 1688 may have executed this sync after the other one.
            lease = await self._begin_again(sync, lease)
            if lease.revision is not None and (sync.is_whole or sent == self._config.max_rounds):
                await self._send_stored(sync, lease, bound)
                break
        else:
            await self._full_orders.release(lease.sync)
        raise DeadlineExceededInFlight("another sync of this order replaced this one")

    async def _build(self, sync: FullOrderSync[M], lease: _Lease) -> M:
        try:
            return sync.build(lease.sync.stored.order)
        except BaseException:
            await self._full_orders.release(lease.sync)
            raise

    async def _send(
        self,
        sync: FullOrderSync[M],
        message: M,
        lease: _Lease,
        deadline: float,
        bound: dict[str, Any],
    ) -> bytes:
        """Send within the time of the lease. If the outcome is unknown, others wait for a while."""
        earliest, latest = (
            lease.started_at + self._config.min_send_s,
            lease.started_at + self._config.max_send_s,
        )
        send_deadline = min(max(deadline, earliest), latest)
        try:
            async with asyncio.timeout_at(send_deadline + SEND_GRACE_S):
                return await sync.send(message, send_deadline)
        except BaseException as error:
            if _may_execute_later(error):
                await self._full_orders.suspend(
                    lease.sync, hash_message(message), self._config.unknown_outcome_s
                )
            else:
                await self._full_orders.release(lease.sync)
            if isinstance(error, TimeoutError):
                raise DeadlineExceededInFlight("the sync took too long") from error
            raise
        finally:
            bound |= get_log_fields()

    async def _store(self, lease: _Lease, order: FullOrder) -> bool:
        """Store what 1688 accepted. Return False if another sync was stored. Raises StoreUnavailable."""
        store_deadline = _now() + self._config.store_timeout_s
        while True:
            try:
                return await self._full_orders.finish(lease.sync, order)
            except StoreUnavailable:
                if _now() >= store_deadline:
                    await self._full_orders.release(lease.sync)
                    raise
                await asyncio.sleep(self._config.retry_delay_s)

    async def _begin_again(self, sync: FullOrderSync[M], lost: _Lease) -> _Lease:
        try:
            async with asyncio.timeout(self._config.max_wait_s):
                return await self._wait_to_begin(sync, lost.sync.sync_id)
        except TimeoutError:
            _log.error("full_order_sync_not_resent", cause="further syncs of the order are in flight")
            raise DeadlineExceededInFlight("another sync of this order replaced this one") from None

    async def _send_stored(self, sync: FullOrderSync[M], lease: _Lease, bound: dict[str, Any]) -> None:
        """Send the stored order again, because 1688 may have got an older one after it."""
        assert lease.sync.stored.order is not None  # noqa: S101 # it has a revision
        message = sync.parse(lease.sync.stored.order.payload)
        await self._send(sync, message, lease, _now(), bound)
        await self._full_orders.release(lease.sync)


def _may_execute_later(error: BaseException) -> bool:
    """Whether 1688 may still execute what was sent: it may have got it, and has not responded."""
    if not isinstance(error, NationalsiteError):
        return True
    if isinstance(error, OutcomeUnknown) and isinstance(error.__cause__, NationalsiteError):
        error = error.__cause__
    return error.may_have_executed and not isinstance(error, ERRORS_WITH_RESPONSE)


def _now() -> float:
    return asyncio.get_running_loop().time()
