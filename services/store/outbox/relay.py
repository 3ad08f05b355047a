"""Sends deliveries to 1688: in order per ordering key, keys in parallel, shared between replicas."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from services.background_tasks import background_tasks
from services.errors import StoreUnavailable
from services.store.coordination.notifier import POLL_INTERVAL_S, Notifier, wait_for_event
from services.store.database.store import Store
from services.store.outbox.claims import Claim, Claims, Release, RetryPolicy
from services.store.outbox.deliveries import DELIVERIES_CHANNEL
from services.store.outbox.delivery import Delivery
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
class Capacity:
    """How many attempts of one RPC a relay may make now."""

    max_in_flight: int | None = None
    """Attempts in flight at the same time; None: as many as the relay makes of all RPCs together."""
    retry_after_s: float = 0.0
    """When to ask again, if there is a maximum."""


UNLIMITED = Capacity()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """The concurrency and the timeouts of a relay."""

    max_in_flight: int = 16
    """Deliveries that are sent at the same time, each with a different ordering key."""
    send_timeout_s: float = 30.0
    """For one attempt."""
    record_timeout_s: float = 30.0
    """How long recording an outcome is retried. A lease lasts for this and `send_timeout_s` together."""
    store_retry_delay_s: float = 1.0
    """Between two attempts to use the store, while it is unavailable."""
    shutdown_grace_s: float = 20.0
    """For attempts that are in flight at shutdown."""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)


class Relay:
    """Sends deliveries in one replica. If the replica dies, its leases expire, and another one sends them."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        send: SendFunction,
        capacities: Mapping[str, Callable[[], Capacity]],
        internal_error: bytes = b"",
        config: RelayConfig | None = None,
    ) -> None:
        """`capacities` has the RPCs whose deliveries this relay sends, and functions that return how many.

        `internal_error` is the `last_error` of a delivery whose send function raised an exception.
        """
        self._notifier = notifier
        self._store = store
        self._send = send
        self._capacities = capacities
        self._internal_error = internal_error
        self._config = config or RelayConfig()
        self._claims = Claims(store, notifier, self._config.retry_policy)
        self._in_flight: dict[asyncio.Task[None], str] = {}
        """The RPC of each attempt."""
        self._has_slot = asyncio.Event()
        self._has_slot.set()
        self._is_limited = False
        """Whether an RPC had a maximum at the last claim: the end of an attempt may let another begin."""

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run while the context is open. Then stop claiming, and give attempts `shutdown_grace_s` to finish.

        Attempts that do not finish are cancelled, and their deliveries are released for other replicas.
        """
        try:
            async with background_tasks(self.run()):
                yield
        finally:
            await self._drain()
            await self._claims.close()

    async def run(self) -> None:
        """Claim and send deliveries until cancelled."""
        with self._notifier.watch(DELIVERIES_CHANNEL) as notified:
            while True:
                await self._has_slot.wait()
                notified.clear()
                try:
                    wait_s = await self._start_due()
                except StoreUnavailable:
                    await asyncio.sleep(self._config.store_retry_delay_s)  # it is logged already
                    continue
                except Exception as error:
                    _log.exception("relay_failed", exc_info=error)  # a bug must not stop the relay
                    await asyncio.sleep(self._config.store_retry_delay_s)
                    continue
                if wait_s:
                    await wait_for_event(notified, wait_s)

    async def _start_due(self) -> float:
        """Claim due deliveries and start sending them. Return how long to wait for a notification."""
        free_slots = self._config.max_in_flight - len(self._in_flight)
        limits, recheck_s = self._get_limits(free_slots)
        if not limits:
            return recheck_s
        lease_s = self._config.send_timeout_s + self._config.record_timeout_s
        claims = await self._claims.claim(limits, free_slots, lease_s)
        for claim in claims:
            self._start(claim)
        claimed = Counter(claim.delivery.rpc for claim in claims)
        if len(claims) == free_slots or any(claimed[rpc] == limit for rpc, limit in limits.items()):
            return 0.0  # more may be due
        due_time_ms = await self._claims.find_next_due_time_ms(limits)
        if due_time_ms is None:
            return recheck_s
        return min(recheck_s, max(_MIN_WAIT_S, (due_time_ms - self._store.clock()) / 1000))

    def _get_limits(self, free_slots: int) -> tuple[dict[str, int], float]:
        """Return how many deliveries of each RPC may be claimed, and when to ask again at the latest."""
        in_flight = Counter(self._in_flight.values())
        self._is_limited = False
        limits: dict[str, int] = {}
        recheck_s = POLL_INTERVAL_S
        for rpc, get_capacity in self._capacities.items():
            capacity = get_capacity()
            limit = free_slots
            if capacity.max_in_flight is not None:
                self._is_limited = True
                limit = min(limit, capacity.max_in_flight - in_flight[rpc])
                recheck_s = min(recheck_s, max(_MIN_WAIT_S, capacity.retry_after_s))
            if limit > 0:
                limits[rpc] = limit
        return limits, recheck_s

    def _start(self, claim: Claim) -> None:
        task = asyncio.create_task(self._deliver(claim))
        self._in_flight[task] = claim.delivery.rpc
        if len(self._in_flight) >= self._config.max_in_flight:
            self._has_slot.clear()
        task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        del self._in_flight[task]
        self._has_slot.set()
        if self._is_limited:
            self._notifier.notify_local([DELIVERIES_CHANNEL])
        if not task.cancelled() and (error := task.exception()):
            _log.error("relay_failed", type=type(error).__name__)

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
            # A bug must not stop the relay. Only the exception's type is logged: its text may contain
            # a buyer's data.
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
                state = await self._claims.record(claim, outcome)
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
                state=state or "LEASE_LOST",
            )
            return

    async def _drain(self) -> None:
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=self._config.shutdown_grace_s)
        for task in self._in_flight:
            task.cancel()
        if self._in_flight:
            await asyncio.wait(self._in_flight)

    async def _release(self, claim: Claim, *, was_sent: bool) -> None:
        try:
            await self._claims.record(claim, Release(was_sent=was_sent))
        except StoreUnavailable:
            _log.warning("delivery_not_released", delivery_id=claim.delivery.delivery_id)
