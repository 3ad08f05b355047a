"""Sends deliveries to 1688: one at a time per ordering key, keys in parallel, replicas beside each other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from services.errors import StoreUnavailable
from services.store.notifier import POLL_INTERVAL_S, Notifier, wait
from services.store.outbox.claims import Claim, Claims, RetryPolicy
from services.store.outbox.deliveries import DELIVERIES_CHANNEL, Delivery
from services.store.outbox.outcomes import Outcome, Retry
from services.store.store import Store

Send = Callable[[Delivery], Awaitable[Outcome]]
"""Sends a delivery's payload once, within a time of its own that is shorter than `send_s`.

What it raises counts as a fault of ours: it is told as `fault`, and tried again.
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayLimits:
    """How much a relay does at once, and how long it waits."""

    in_flight: int = 16
    """Deliveries being sent, each of another key."""
    send_s: float = 30.0
    """One attempt."""
    note_s: float = 30.0
    """For noting an outcome while the store is away; `send_s` and this are the lease of an attempt."""
    pause_s: float = 1.0
    """Between two looks while the store is away."""
    grace_s: float = 20.0
    """What a drain leaves to attempts in flight."""
    patience: RetryPolicy = field(default_factory=RetryPolicy)


class Relay:
    """One replica's sender. One that dies leaves leases behind: when they end, another one sends again."""

    def __init__(
        self,
        store: Store,
        wakeups: Notifier,
        send: Send,
        fault: bytes = b"",
        limits: RelayLimits | None = None,
    ) -> None:
        self._wakeups = wakeups
        self._store = store
        self._send = send
        self._fault = fault
        self._limits = limits or RelayLimits()
        self._claims = Claims(store, self._limits.patience)
        self._sending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send while the context is open; then take nothing more, and let attempts finish within the grace.

        What is ended by the grace is free for other replicas at once.
        """
        taking = asyncio.create_task(self._take_for_ever())
        try:
            yield
        finally:
            taking.cancel()
            await asyncio.wait([taking])
            await self._drain()

    async def _take_for_ever(self) -> None:
        with self._wakeups.watch(DELIVERIES_CHANNEL) as woken:
            while True:
                woken.clear()
                now_ms = self._store.clock()
                try:
                    wait_s = 0.0 if await self._take() else await self._idle_s(now_ms)
                except StoreUnavailable:
                    await asyncio.sleep(self._limits.pause_s)  # logged where it was found
                    continue
                except Exception as error:
                    # A fault of ours must not end the relay for good.
                    _log.exception("relay_fault", exc_info=error)
                    await asyncio.sleep(self._limits.pause_s)
                    continue
                if wait_s:
                    await wait(woken, wait_s)

    async def _take(self) -> bool:
        """Start what is due and there is room for. Return whether to look again at once."""
        room = self._limits.in_flight - len(self._sending)
        if room <= 0:
            return False
        taking = asyncio.create_task(self._claims.take(room, self._limits.send_s + self._limits.note_s))
        try:
            claims = await asyncio.shield(taking)
        except asyncio.CancelledError:
            await self._release_unsent(taking)  # drained meanwhile
            raise
        for claim in claims:
            task = asyncio.create_task(self._deliver(claim))
            self._sending.add(task)
            task.add_done_callback(self._finished)
        return len(claims) == room

    async def _idle_s(self, looked_ms: int) -> float:
        """Return how long nothing is to be done, unless woken: for instance by an attempt that finishes."""
        if len(self._sending) >= self._limits.in_flight:
            return POLL_INTERVAL_S
        due_ms = await self._claims.next_due_ms(looked_ms)
        if due_ms is None:
            return POLL_INTERVAL_S
        return min(POLL_INTERVAL_S, max(0.01, (due_ms - self._store.clock()) / 1000))

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("relay_fault", type=type(error).__name__)
        # There is room, and perhaps the next of the key is due; other replicas may have room for it, too.
        self._wakeups.wake(DELIVERIES_CHANNEL)

    async def _deliver(self, claim: Claim) -> None:
        try:
            outcome = await self._outcome(claim.delivery)
        except asyncio.CancelledError:
            await self._release(claim, sent=True)
            raise
        await self._note(claim, outcome)

    async def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            async with asyncio.timeout(self._limits.send_s):
                return await self._send(delivery)
        except Exception as error:
            # A fault of ours, whose words may hold a buyer's data. It must neither end the relay nor be lost.
            _log.error(
                "delivery_fault",
                rpc=delivery.rpc,
                delivery_id=delivery.delivery_id,
                type=type(error).__name__,
            )
            return Retry(error=self._fault, unclear=True)

    async def _note(self, claim: Claim, outcome: Outcome) -> None:
        """Note an outcome, for as long as the lease lasts; after that the delivery is sent again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.note_s
        while True:
            try:
                noted = await self._claims.note(claim, outcome)
            except StoreUnavailable:
                if loop.time() >= deadline:
                    _log.warning("delivery_not_noted", delivery_id=claim.delivery.delivery_id)
                    return
                await asyncio.sleep(self._limits.pause_s)
                continue
            _log.info(
                "delivery_attempted",
                rpc=claim.delivery.rpc,
                delivery_id=claim.delivery.delivery_id,
                attempts=claim.delivery.attempts,
                state=noted.state if noted else "LEASE_LOST",
            )
            return

    async def _drain(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending, timeout=self._limits.grace_s)
        for task in self._sending:
            task.cancel()
        if self._sending:
            await asyncio.wait(self._sending)

    async def _release_unsent(self, taking: "asyncio.Task[list[Claim]]") -> None:
        try:
            claims = await taking
        except StoreUnavailable:
            return  # what was taken nevertheless is free when its lease ends
        for claim in claims:
            await self._release(claim, sent=False)

    async def _release(self, claim: Claim, *, sent: bool) -> None:
        try:
            await self._claims.release(claim, sent=sent)
        except StoreUnavailable:
            _log.warning("delivery_not_released", delivery_id=claim.delivery.delivery_id)
