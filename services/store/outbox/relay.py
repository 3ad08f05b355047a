"""Sends deliveries to 1688: in order per ordering key, keys in parallel, shared between replicas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from services.errors import StoreUnavailable
from services.store.coordination.notifier import POLL_INTERVAL_S, Notifier, wait_for_event
from services.store.database.store import Store
from services.store.outbox.claims import Claim, Claims, RetryPolicy
from services.store.outbox.deliveries import DELIVERIES_CHANNEL, Delivery
from services.store.outbox.outcomes import Outcome, RetryOutcome

_MIN_WAIT_S = 0.01

_log = structlog.get_logger()


class SendFunction(Protocol):
    """Makes one attempt to send a delivery."""

    async def __call__(self, delivery: Delivery, /) -> Outcome:
        """Send the payload once, in less time than `send_timeout_s`.

        An exception counts as an internal error, and the delivery is retried.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """The concurrency and the timeouts of a relay."""

    max_in_flight: int = 16
    """Deliveries that are sent at the same time, each of another key."""
    send_timeout_s: float = 30.0
    """For one attempt."""
    record_timeout_s: float = 30.0
    """To record an outcome while the store is unavailable. The lease of an attempt covers both timeouts."""
    store_retry_delay_s: float = 1.0
    """Between two tries while the store is unavailable."""
    shutdown_grace_s: float = 20.0
    """For attempts that are in flight at shutdown."""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)


class Relay:
    """The sender of one replica. If it dies, its leases expire, and another replica sends again."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        send: SendFunction,
        internal_error: bytes = b"",
        config: RelayConfig | None = None,
    ) -> None:
        """`internal_error` is the `last_error` of a delivery whose send function raised an exception."""
        self._notifier = notifier
        self._store = store
        self._send = send
        self._internal_error = internal_error
        self._config = config or RelayConfig()
        self._claims = Claims(store, self._config.retry_policy)
        self._in_flight: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run while the context is open. Then stop claiming, and let attempts finish within the grace.

        Attempts that do not finish are cancelled, and released for other replicas.
        """
        running = asyncio.create_task(self.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait([running])
            await self._drain()

    async def run(self) -> None:
        """Claim and send deliveries until cancelled."""
        with self._notifier.watch(DELIVERIES_CHANNEL) as notified:
            while True:
                notified.clear()
                now_ms = self._store.clock()
                try:
                    wait_s = 0.0 if await self._start_due() else await self._next_wait_s(now_ms)
                except StoreUnavailable:
                    await asyncio.sleep(self._config.store_retry_delay_s)  # it is logged already
                    continue
                except Exception as error:
                    _log.exception("relay_failed", exc_info=error)  # a bug must not stop the relay
                    await asyncio.sleep(self._config.store_retry_delay_s)
                    continue
                if wait_s:
                    await wait_for_event(notified, wait_s)

    async def _start_due(self) -> bool:
        """Claim due deliveries and start sending them. Return whether more may be due."""
        free_slots = self._config.max_in_flight - len(self._in_flight)
        if free_slots <= 0:
            return False
        lease_s = self._config.send_timeout_s + self._config.record_timeout_s
        claim_task = asyncio.create_task(self._claims.claim(free_slots, lease_s))
        try:
            claims = await asyncio.shield(claim_task)
        except asyncio.CancelledError:
            await self._release_unsent(claim_task)
            raise
        for claim in claims:
            task = asyncio.create_task(self._deliver(claim))
            self._in_flight.add(task)
            task.add_done_callback(self._on_done)
        return len(claims) == free_slots

    async def _next_wait_s(self, polled_ms: int) -> float:
        """Return how long to wait for a notification; an attempt that finishes also sends one."""
        if len(self._in_flight) >= self._config.max_in_flight:
            return POLL_INTERVAL_S
        due_time_ms = await self._claims.find_next_due_time_ms(polled_ms)
        if due_time_ms is None:
            return POLL_INTERVAL_S
        return min(POLL_INTERVAL_S, max(_MIN_WAIT_S, (due_time_ms - self._store.clock()) / 1000))

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("relay_failed", type=type(error).__name__)
        # The next delivery of the key may be due, here or in another replica.
        self._notifier.notify(DELIVERIES_CHANNEL)

    async def _deliver(self, claim: Claim) -> None:
        try:
            outcome = await self._attempt(claim.delivery)
        except asyncio.CancelledError:
            await self._release(claim, was_sent=True)
            raise
        await self._record(claim, outcome)

    async def _attempt(self, delivery: Delivery) -> Outcome:
        try:
            async with asyncio.timeout(self._config.send_timeout_s):
                return await self._send(delivery)
        except Exception as error:
            # A bug must not stop the relay. The message is not logged: it may contain a buyer's data.
            _log.error(
                "delivery_internal_error",
                rpc=delivery.rpc,
                delivery_id=delivery.delivery_id,
                type=type(error).__name__,
            )
            return RetryOutcome(error=self._internal_error, outcome_unknown=True)

    async def _record(self, claim: Claim, outcome: Outcome) -> None:
        """Record an outcome before the lease expires. If that fails, the delivery is sent again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._config.record_timeout_s
        while True:
            try:
                delivery = await self._claims.record_outcome(claim, outcome)
            except StoreUnavailable:
                if loop.time() >= deadline:
                    _log.warning("delivery_outcome_not_recorded", delivery_id=claim.delivery.delivery_id)
                    return
                await asyncio.sleep(self._config.store_retry_delay_s)
                continue
            _log.info(
                "delivery_attempted",
                rpc=claim.delivery.rpc,
                delivery_id=claim.delivery.delivery_id,
                attempts=claim.delivery.attempts,
                state=delivery.state if delivery else "LEASE_LOST",
            )
            return

    async def _drain(self) -> None:
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=self._config.shutdown_grace_s)
        for task in self._in_flight:
            task.cancel()
        if self._in_flight:
            await asyncio.wait(self._in_flight)

    async def _release_unsent(self, claim_task: "asyncio.Task[list[Claim]]") -> None:
        try:
            claims = await claim_task
        except StoreUnavailable:
            return  # the leases expire, if there are any
        for claim in claims:
            await self._release(claim, was_sent=False)

    async def _release(self, claim: Claim, *, was_sent: bool) -> None:
        try:
            await self._claims.release(claim, was_sent=was_sent)
        except StoreUnavailable:
            _log.warning("delivery_not_released", delivery_id=claim.delivery.delivery_id)
