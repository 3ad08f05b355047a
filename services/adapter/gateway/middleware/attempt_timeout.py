"""Gives one attempt its part of the time, so that a silent 1688 does not use up what a repeat would need."""

from msgspec.structs import replace

from services.adapter.gateway.call import CallNext, MonotonicClock, Reply, UpstreamCall
from services.errors import ConnectionLost, DeadlineExceededInFlight

MIN_ATTEMPT_S = 1.0
"""An attempt is cut short only where it has at least this long: a slow answer is better than none."""


class AttemptTimeout:
    """The layer that cuts an attempt short."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock

    def __call__(self, api: str, step: CallNext) -> CallNext:
        """Wrap a step: an attempt without an answer in its part of the time is a connection given up."""

        async def bounded(call: UpstreamCall) -> Reply:
            now = self._clock()
            part_s = (call.deadline - now) * call.share
            if call.share == 1 or part_s < MIN_ATTEMPT_S:
                return await step(call)
            try:
                return await step(replace(call, deadline=now + part_s))
            except DeadlineExceededInFlight as error:
                raise ConnectionLost("1688 did not answer in the time of one attempt") from error

        return bounded
