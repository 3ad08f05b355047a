"""Limits the time of one attempt, so that time for a retry is left if 1688 does not respond."""

from msgspec.structs import replace

from services.adapter.gateway.call import CallNext, MonotonicClock, UpstreamCall, UpstreamResponse
from services.errors import ConnectionLost, DeadlineExceededInFlight

MIN_ATTEMPT_S = 1.0
"""If the limit were shorter than this, the attempt may take all of the remaining time."""


class AttemptTimeoutMiddleware:
    """Ends an attempt that got no response within its fraction of the remaining time."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Raise ConnectionLost if the attempt's time has passed, but not the call's deadline."""
        now = self._clock()
        timeout_s = (call.deadline - now) * call.deadline_fraction
        if call.deadline_fraction == 1 or timeout_s < MIN_ATTEMPT_S:
            return await call_next(call)
        try:
            return await call_next(replace(call, deadline=now + timeout_s))
        except DeadlineExceededInFlight as error:
            raise ConnectionLost("1688 did not respond within the time of one attempt") from error
