"""Stops calling an operation of 1688 for a short time when half of its calls or more fail."""

from asyncio import CancelledError
from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
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

FAULTS = (UpstreamFault, ConnectionLost, ConnectError)
"""Failures of 1688's side."""
ERRORS_WITH_RESPONSE = (UpstreamGateway, UpstreamUnreadable)
"""Errors after which 1688 counts as available: it responded."""
CANCEL_TOLERANCE_S = 0.25
"""A caller's own timer cancels its call a little before its deadline passes here."""
BUCKETS = 10
"""The window is counted in so many parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreakerPolicy:
    """When a breaker opens, and when it closes again."""

    window_s: float = 10.0
    """Attempts that ended in this time count: each retry counts like a call of its own."""
    min_calls: int = 20
    """With fewer calls in the window the breaker stays closed."""
    failure_rate: float = 0.5
    """The breaker opens when this fraction of the calls failed."""
    open_s: float = 2.0
    """How long the breaker is open before it lets probes pass."""
    probes: int = 3
    """Calls that pass a half-open breaker; it closes when 1688 responded to all of them."""
    min_timeout_s: float = 1.0
    """A passed deadline counts as 1688's failure only if the call had at least this long."""


class State(IntEnum):
    """The value of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(slots=True)
class _Bucket:
    started_at: float
    calls: int = 0
    failures: int = 0


class CircuitBreaker:
    """The breaker of one operation. Each call acquires it, and records its outcome."""

    def __init__(self, policy: CircuitBreakerPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._buckets: deque[_Bucket] = deque()
        self._open_until = 0.0
        self._probes_in_flight = self._probes_succeeded = 0
        self._generation = 0
        """Changes with the state: outcomes of calls that began in an earlier state do not count."""
        self.state = State.CLOSED

    def acquire(self) -> int:
        """Let a call pass; return the generation to record its outcome with. Raises CircuitOpen."""
        self.reject_when_open()
        if self.state is State.OPEN:
            self._transition(State.HALF_OPEN)
        if self.state is State.HALF_OPEN:
            self._probes_in_flight += 1
        return self._generation

    def reject_when_open(self) -> None:
        """Raise CircuitOpen if no call may pass now."""
        is_open = self.state is State.OPEN and self._clock() < self._open_until
        probes = self._probes_in_flight + self._probes_succeeded
        if is_open or (self.state is State.HALF_OPEN and probes >= self._policy.probes):
            raise CircuitOpen("1688 failed too often; this operation is not called for a moment")

    def record(self, generation: int, succeeded: bool | None) -> None:
        """Record whether 1688 responded; None if the call did not get that far."""
        if generation != self._generation:
            return
        if self.state is State.HALF_OPEN:
            self._probes_in_flight -= 1
            self._probes_succeeded += succeeded is True
            if succeeded is False:
                self._open()
            elif self._probes_succeeded >= self._policy.probes:
                self._transition(State.CLOSED)
        elif succeeded is not None and self._fails_too_often(succeeded):
            self._open()

    def _open(self) -> None:
        self._transition(State.OPEN)
        self._open_until = self._clock() + self._policy.open_s

    def _transition(self, state: State) -> None:
        self.state = state
        self._generation += 1
        self._probes_in_flight = self._probes_succeeded = 0
        self._buckets.clear()

    def _fails_too_often(self, succeeded: bool) -> bool:
        """Count the outcome; return whether the window now has too many failures."""
        now, buckets = self._clock(), self._buckets
        while buckets and buckets[0].started_at <= now - self._policy.window_s:
            buckets.popleft()
        if not buckets or buckets[-1].started_at <= now - self._policy.window_s / BUCKETS:
            buckets.append(_Bucket(now))
        buckets[-1].calls += 1
        buckets[-1].failures += not succeeded
        calls = sum(bucket.calls for bucket in buckets)
        failures = sum(bucket.failures for bucket in buckets)
        return calls >= self._policy.min_calls and failures >= calls * self._policy.failure_rate


class CircuitBreakers(dict[str, CircuitBreaker]):
    """The breakers by operation. A missing one is created."""

    def __init__(self, policy: CircuitBreakerPolicy, clock: MonotonicClock) -> None:
        super().__init__()
        self.policy = policy
        self._clock = clock

    def __missing__(self, api_id: str) -> CircuitBreaker:
        breaker = self[api_id] = CircuitBreaker(self.policy, self._clock)
        set_breaker_state(api_id, State.CLOSED)
        return breaker


class RejectWhenOpenMiddleware:
    """Rejects a call of an operation whose breaker is open, before the call waits for anything."""

    def __init__(self, breakers: CircuitBreakers) -> None:
        self._breakers = breakers

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise CircuitOpen if the operation's breaker is open."""
        self._breakers[call.api_id].reject_when_open()
        return await call_next(call)


class RecordOutcomeMiddleware:
    """Records the outcome of each call with the operation's breaker."""

    def __init__(self, breakers: CircuitBreakers, clock: MonotonicClock) -> None:
        self._breakers = breakers
        self._clock = clock

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise CircuitOpen if the breaker has opened while the call waited."""
        breaker = self._breakers[call.api_id]
        generation = breaker.acquire()
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
            breaker.record(generation, succeeded)
            set_breaker_state(call.api_id, breaker.state)

    def _timed_out(self, call: UpstreamCall, started_at: float) -> bool:
        """Whether 1688 had enough time to respond, and the caller waited for all of it."""
        timeout_s = call.deadline - started_at
        return (
            timeout_s >= self._breakers.policy.min_timeout_s
            and self._clock() >= call.deadline - CANCEL_TOLERANCE_S
        )
