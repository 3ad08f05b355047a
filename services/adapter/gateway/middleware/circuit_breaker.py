"""Leaves an operation of 1688 alone for a while when most calls of it fail."""

from asyncio import CancelledError
from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from services.adapter.gateway.call import CallNext, MonotonicClock, Reply, UpstreamCall
from services.adapter.gateway.middleware.metrics import show_breaker
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
ANSWERS = (UpstreamGateway, UpstreamUnreadable)
"""A refusal is an answer, and so is one that cannot be read: 1688 is there."""
SKEW_S = 0.25
"""A caller's own timer cancels its call a little before its deadline passes here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreakerPolicy:
    """When calls stop, and when they are tried again."""

    window_s: float = 10.0
    """Calls that ended within it count."""
    minimum_calls: int = 20
    """Fewer calls in the window say nothing."""
    failure_rate: float = 0.5
    """From this part of failed calls on, no more are sent."""
    open_s: float = 2.0
    """Pause before calls are tried again."""
    probes: int = 3
    """Calls that are tried then; all must be answered before everybody may call again."""
    fair_s: float = 1.0
    """A deadline that passes is 1688's failure only where the call had this long: callers are hasty too."""


class State(IntEnum):
    """As the metric shows it."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitBreaker:
    """The state of one operation. Calls enter, and leave with what they learnt."""

    def __init__(self, policy: CircuitBreakerPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._slices: deque[_Bucket] = deque()
        self._open_until = 0.0
        self._probing = self._proved = 0
        self._generation = 0
        """Changes with the state: what a call of an earlier time learnt is no news."""
        self.state = State.CLOSED

    def enter(self) -> int:
        """Let a call pass; return what it leaves with. Raises Paused."""
        self.check()
        if self.state is State.OPEN:
            self._become(State.HALF_OPEN)
        if self.state is State.HALF_OPEN:
            self._probing += 1
        return self._generation

    def check(self) -> None:
        """Raise Paused where no call may pass now."""
        waiting = self.state is State.OPEN and self._clock() < self._open_until
        probed = self.state is State.HALF_OPEN and self._probing + self._proved >= self._policy.probes
        if waiting or probed:
            raise CircuitOpen("1688 has failed too often; this operation is not called for a moment")

    def leave(self, generation: int, answered: bool | None) -> None:
        """Note whether 1688 answered; None where the call did not get so far."""
        if generation != self._generation:
            return
        if self.state is State.HALF_OPEN:
            self._probing -= 1
            self._proved += answered is True
            if answered is False:
                self._open()
            elif self._proved >= self._policy.probes:
                self._become(State.CLOSED)
        elif answered is not None and self._fails_too_often(answered):
            self._open()

    def _open(self) -> None:
        self._become(State.OPEN)
        self._open_until = self._clock() + self._policy.open_s

    def _become(self, state: State) -> None:
        self.state = state
        self._generation += 1
        self._probing = self._proved = 0
        self._slices.clear()

    def _fails_too_often(self, answered: bool) -> bool:
        now = self._clock()
        slice_s = self._policy.window_s / 10
        while self._slices and self._slices[0].begun <= now - self._policy.window_s:
            self._slices.popleft()
        if not self._slices or self._slices[-1].begun <= now - slice_s:
            self._slices.append(_Bucket(now))
        self._slices[-1].calls += 1
        self._slices[-1].failures += not answered
        calls = sum(each.calls for each in self._slices)
        failures = sum(each.failures for each in self._slices)
        return calls >= self._policy.minimum_calls and failures >= calls * self._policy.failure_rate


@dataclass(slots=True)
class _Bucket:
    begun: float
    calls: int = 0
    failures: int = 0


class CircuitBreakerMiddleware:
    """A breaker for each operation, as two layers."""

    def __init__(self, policy: CircuitBreakerPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._breakers: dict[str, CircuitBreaker] = {}

    def checked(self, api: str, step: CallNext) -> CallNext:
        """Refuse a call of a paused operation before it waits for its turn."""
        breaker = self._breaker(api)

        async def checked(call: UpstreamCall) -> Reply:
            breaker.check()
            return await step(call)

        return checked

    def judged(self, api: str, step: CallNext) -> CallNext:
        """Pass a call and learn what becomes of it; just around the sending, so that nothing else counts."""
        breaker = self._breaker(api)

        async def judged(call: UpstreamCall) -> Reply:
            generation = breaker.enter()
            began, answered = self._clock(), None
            try:
                reply = await step(call)
                answered = True
                return reply
            except ANSWERS:
                answered = True
                raise
            except FAULTS:
                answered = False
                raise
            except (DeadlineExceededInFlight, CancelledError):
                answered = False if self._was_silent(call, began) else None
                raise
            finally:
                breaker.leave(generation, answered)
                show_breaker(api, breaker.state)

        return judged

    def _breaker(self, api: str) -> CircuitBreaker:
        if api not in self._breakers:
            self._breakers[api] = CircuitBreaker(self._policy, self._clock)
            show_breaker(api, State.CLOSED)
        return self._breakers[api]

    def _was_silent(self, call: UpstreamCall, began: float) -> bool:
        """Whether 1688 let a fair time pass, rather than the caller left or was hasty."""
        return call.deadline - began >= self._policy.fair_s and self._clock() >= call.deadline - SKEW_S
