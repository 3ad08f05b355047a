"""Limits the time of one attempt, so that a silent 1688 does not use up the time of a retry."""

from msgspec.structs import replace

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
from services.errors import ConnectionLost, DeadlineExceededInFlight

MIN_ATTEMPT_S = 1.0
"""Minimum time of an attempt."""


class AttemptTimeoutMiddleware:
    """Ends an attempt that got no response in its part of the remaining time."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise ConnectionLost if the attempt's time is over and the call's is not."""
        now = self._clock()
        timeout_s = (call.deadline - now) * call.deadline_fraction
        if call.deadline_fraction == 1 or timeout_s < MIN_ATTEMPT_S:
            return await call_next(call)
        try:
            return await call_next(replace(call, deadline=now + timeout_s))
        except DeadlineExceededInFlight as error:
            raise ConnectionLost("1688 did not respond within the time of one attempt") from error
