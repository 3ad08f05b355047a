"""Stops calling an operation of 1688 for a short time when half of its calls or more fail."""

import asyncio
from asyncio import CancelledError
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import IntEnum

from msgspec.structs import replace

from services.adapter.gateway.call import (
    Admission,
    CallNext,
    MonotonicClock,
    UpstreamCall,
    UpstreamResponse,
)
from services.adapter.gateway.metrics import set_breaker_state
from services.errors import (
    CircuitOpen,
    ConnectError,
    ConnectionLost,
    DeadlineExceededInFlight,
    UpstreamFault,
    UpstreamGateway,
    UpstreamUnreadable,
)
from services.fair_queue import FairQueue

FAULTS = (UpstreamFault, ConnectionLost, ConnectError)
"""Errors that count as failures of 1688."""
ERRORS_WITH_RESPONSE = (UpstreamGateway, UpstreamUnreadable)
"""Errors after which 1688 counts as available: it responded."""
CANCEL_TOLERANCE_S = 0.25
"""A call cancelled this shortly before its deadline counts as timed out: callers' timers end earlier."""
BUCKETS = 10
"""The window is divided into this many parts, each with its own counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreakerPolicy:
    """When a breaker opens, and when it closes again."""

    window_s: float = 10.0
    """The breaker looks at the calls that ended within this time. Each retry counts as a call."""
    min_calls: int = 20
    """With fewer calls in the window the breaker stays closed."""
    failure_rate: float = 0.5
    """The breaker opens after a failed call if this fraction of the calls, or more, failed."""
    open_s: float = 2.0
    """How long the breaker is open before it lets probes pass."""
    probes: int = 3
    """How many calls a half-open breaker lets pass; it closes when 1688 responded to all of them."""
    max_waiting: int = 1024
    """How many calls of an operation may wait for the outcome of the probes.

    Above that, those of the caller with the most are rejected."""
    max_wait_s: float = 2.0
    """How long a call waits for it, if its deadline is not earlier. Then it is rejected."""
    min_timeout_s: float = 1.0
    """A call that timed out counts as a failure of 1688 only if it had at least this much time."""


class State(IntEnum):
    """The state of a breaker. Its number is the value of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(slots=True, eq=False)
class _Waiter:
    """A call that waits for the outcome of the probes."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the call may be admitted or has to be rejected."""
    is_dropped: bool = False
    """Whether too many wait, and the most of them are of the caller of this call."""


@dataclass(slots=True)
class _Bucket:
    started_at: float
    calls: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """How many calls of an operation can be made at the same time, for work that can be done later."""

    max_calls: int | None = None
    """None: the breaker sets no limit."""
    retry_after_s: float = 0.0
    """When to ask again, if there is a limit."""


class AdmissionLapsed(Exception):
    """The breaker has opened since it admitted the call, and may now admit it anew. Nothing was sent."""


class CircuitBreaker:
    """The breaker of one operation. It admits each attempt, and gets its outcome."""

    def __init__(self, policy: CircuitBreakerPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._buckets: deque[_Bucket] = deque()
        self._open_until = 0.0
        self._probes_in_flight = self._probes_succeeded = 0
        self._generation = 0
        """Changes with the state: outcomes of calls that were admitted in an earlier state do not count."""
        self._waiting: FairQueue[_Waiter] = FairQueue(policy.max_waiting)
        self.state = State.CLOSED

    def get_availability(self) -> Availability:
        """Return no calls while the breaker is open, and as many as there are probes when it is half-open."""
        if self.state is State.CLOSED:
            return Availability()
        open_for_s = self._open_until - self._clock()
        if self.state is State.OPEN and open_for_s > 0:
            return Availability(max_calls=0, retry_after_s=open_for_s)
        return Availability(max_calls=self._policy.probes, retry_after_s=self._policy.open_s)

    async def admit(self, deadline: float, queue_owner: Hashable = None) -> Admission:
        """Admit a call; while the probes are in flight, wait for their outcome. Raises CircuitOpen."""
        return self._try_admit() or await self._wait_for_probes(deadline, queue_owner)

    def renew(self, admission: Admission) -> None:
        """Make an admission valid for the present state. Raises CircuitOpen, AdmissionLapsed."""
        if admission.generation == self._generation:
            return
        self._reject_when_open()
        if self.state is not State.CLOSED:
            raise AdmissionLapsed
        admission.generation = self._generation

    def record(self, admission: Admission, succeeded: bool | None) -> None:
        """Record whether 1688 responded. A second outcome of an admission is ignored.

        None if the outcome says nothing about 1688: not sent, cancelled, or too little time to respond.
        """
        if admission.is_recorded:
            return
        admission.is_recorded = True
        if admission.generation != self._generation:
            return
        if self.state is State.HALF_OPEN:
            self._probes_in_flight -= 1
            self._probes_succeeded += succeeded is True
            if succeeded is False:
                self._open()
            elif self._probes_succeeded >= self._policy.probes:
                self._transition(State.CLOSED)
            elif succeeded is None:
                self._wake_waiting()  # another call can be the probe
        elif succeeded is not None:
            self._count(succeeded)
            if not succeeded and self._fails_too_often():
                self._open()

    def _try_admit(self) -> Admission | None:
        """Return None if the breaker has no probe left. Raises CircuitOpen."""
        self._reject_when_open()
        if self.state is State.OPEN:
            self._transition(State.HALF_OPEN)
        if self.state is State.HALF_OPEN:
            if self._probes_in_flight + self._probes_succeeded >= self._policy.probes:
                return None
            self._probes_in_flight += 1
        return Admission(self._generation)

    async def _wait_for_probes(self, deadline: float, queue_owner: Hashable) -> Admission:
        waiter = _Waiter()
        if (dropped := self._waiting.add(queue_owner, waiter)) is not None:
            dropped.is_dropped = True
            dropped.changed.set()
        try:
            async with asyncio.timeout(min(self._policy.max_wait_s, deadline - self._clock())):
                while True:
                    await waiter.changed.wait()
                    waiter.changed.clear()
                    if waiter.is_dropped:
                        raise CircuitOpen(
                            "1688 failed often, and too many calls of this caller wait for its responses"
                        )
                    if (admission := self._try_admit()) is not None:
                        return admission
        except TimeoutError as error:
            raise CircuitOpen("1688 failed often, and has not yet responded again") from error
        finally:
            self._waiting.remove(queue_owner, waiter)

    def _wake_waiting(self) -> None:
        """Wake all waiting calls, in turn by caller. Those that must go on waiting keep their sequence."""
        for waiter in self._waiting:
            waiter.changed.set()

    def _reject_when_open(self) -> None:
        if self.state is State.OPEN and self._clock() < self._open_until:
            raise CircuitOpen("1688 failed too often; this operation is not called for a moment")

    def _open(self) -> None:
        self._open_until = self._clock() + self._policy.open_s
        self._transition(State.OPEN)

    def _transition(self, state: State) -> None:
        self.state = state
        self._generation += 1
        self._probes_in_flight = self._probes_succeeded = 0
        self._buckets.clear()
        self._wake_waiting()

    def _count(self, succeeded: bool) -> None:
        """Count an outcome in the window."""
        now, buckets = self._clock(), self._buckets
        while buckets and buckets[0].started_at <= now - self._policy.window_s:
            buckets.popleft()
        if not buckets or buckets[-1].started_at <= now - self._policy.window_s / BUCKETS:
            buckets.append(_Bucket(now))
        buckets[-1].calls += 1
        buckets[-1].failures += not succeeded

    def _fails_too_often(self) -> bool:
        """Whether the window has too many failures. Asked after a failure: no success opens the breaker."""
        calls = sum(bucket.calls for bucket in self._buckets)
        failures = sum(bucket.failures for bucket in self._buckets)
        return calls >= self._policy.min_calls and failures >= calls * self._policy.failure_rate


class CircuitBreakers(dict[str, CircuitBreaker]):
    """The breakers by operation. A missing one is created."""

    def __init__(self, policy: CircuitBreakerPolicy, clock: MonotonicClock) -> None:
        super().__init__()
        self.policy = policy
        self._clock = clock

    def __missing__(self, api_id: str) -> CircuitBreaker:
        breaker = self[api_id] = CircuitBreaker(self.policy, self._clock)
        set_breaker_state(api_id, lambda: breaker.state)
        return breaker


class AdmissionMiddleware:
    """Lets the breaker of the operation admit a call, before the call waits for anything else."""

    def __init__(self, breakers: CircuitBreakers) -> None:
        self._breakers = breakers

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise CircuitOpen if the operation's breaker is open, or stays half-open for too long."""
        breaker = self._breakers[call.api_id]
        while True:
            admission = await breaker.admit(call.deadline, call.queue_owner)
            try:
                return await call_next(replace(call, admission=admission))
            except AdmissionLapsed:
                continue
            finally:
                # A probe that never reached 1688, because it was shed or cancelled, lets another call be one.
                breaker.record(admission, None)


class RecordOutcomeMiddleware:
    """Records the outcome of each attempt in the operation's breaker."""

    def __init__(self, breakers: CircuitBreakers, clock: MonotonicClock) -> None:
        self._breakers = breakers
        self._clock = clock

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise CircuitOpen or AdmissionLapsed if the breaker has opened since it admitted the call."""
        breaker, admission = self._breakers[call.api_id], call.admission
        assert admission is not None  # noqa: S101 # AdmissionMiddleware is before this one
        breaker.renew(admission)
        started_at, succeeded = self._clock(), None
        try:
            response = await call_next(call)
            succeeded = True
            return response
        except ERRORS_WITH_RESPONSE:
            succeeded = True
            raise
        except FAULTS:
            succeeded = False
            raise
        except (DeadlineExceededInFlight, CancelledError):
            succeeded = False if self._timed_out(call, started_at) else None
            raise
        finally:
            breaker.record(admission, succeeded)

    def _timed_out(self, call: UpstreamCall, started_at: float) -> bool:
        """Whether 1688 had enough time to respond, and the caller waited for all of it."""
        timeout_s = call.deadline - started_at
        return (
            timeout_s >= self._breakers.policy.min_timeout_s
            and self._clock() >= call.deadline - CANCEL_TOLERANCE_S
        )
