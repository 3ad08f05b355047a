"""Every call has a deadline: its caller's, or the default; a stream only its caller's."""

import asyncio
import math

from services.errors import DeadlinePassed, DeadlinePassedInFlight
from services.serving.rpc import Call, Rpc, Step

DEFAULT_TIMEOUT_S = 10.0
"""For a caller that gives no deadline. A stream is meant to last, and goes on."""

# A handler keeps the deadline itself, and knows best what its passing means: it has this long to say so.
_BACKSTOP_S = 0.25


def deadline(rpc: Rpc, step: Step) -> Step:
    """Turns the caller's time into a point in the loop's time; refuses a call that has none left."""
    clock = asyncio.get_running_loop().time

    async def timed(call: Call) -> bytes:
        remaining_s: float | None = call.context.time_remaining()
        if remaining_s is None:
            remaining_s = math.inf if rpc.streams else DEFAULT_TIMEOUT_S
        if remaining_s <= 0:
            raise DeadlinePassed("the deadline had passed before the call began")
        call.deadline = clock() + remaining_s
        try:
            async with asyncio.timeout_at(call.deadline + _BACKSTOP_S) as backstop:
                return await step(call)
        except TimeoutError:
            if backstop.expired():
                raise DeadlinePassedInFlight("the deadline passed") from None
            raise

    return timed
