"""Every call has a deadline: its caller's, within the RPC's cap, or the RPC's default."""

import asyncio
import math
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.errors import DeadlineExceeded, DeadlineExceededInFlight
from services.server.call import CallContext, CallNext, Interceptor, MethodInfo

# A handler keeps the deadline itself, and knows best what its passing means: it has this long to say so.
_BACKSTOP_S = 0.25


class DeadlineLimits(BaseModel):
    """How long calls of an RPC may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_s: float = Field(default=10, gt=0)
    """For a caller that gives no deadline."""
    cap_s: float = Field(default=300, gt=0)
    """At most, whatever the caller gives."""

    @model_validator(mode="after")
    def _default_is_within_the_cap(self) -> "DeadlineLimits":
        if self.default_s > self.cap_s:
            raise ValueError(f"default_s, {self.default_s:g}, must not be above cap_s")
        return self


UNARY_LIMITS = DeadlineLimits()
"""Of an RPC that has none of its own."""
STREAM_LIMITS = DeadlineLimits(default_s=math.inf, cap_s=math.inf)
"""Of a stream that has none of its own: it lasts as long as its caller likes."""


def deadline_interceptor(limits: Mapping[str, DeadlineLimits]) -> Interceptor:
    """Turns the caller's time into a point in the loop's time; refuses a call that has none left.

    `limits` are by RPC, such as `SearchByKeyword`.
    """

    def layer(rpc: MethodInfo, step: CallNext) -> CallNext:
        clock = asyncio.get_running_loop().time
        own = limits.get(rpc.descriptor.name, STREAM_LIMITS if rpc.streams else UNARY_LIMITS)

        async def timed(call: CallContext) -> bytes:
            given_s: float | None = call.context.time_remaining()
            remaining_s = own.default_s if given_s is None else min(given_s, own.cap_s)
            if remaining_s <= 0:
                raise DeadlineExceeded("the deadline had passed before the call began")
            now = clock()
            call.deadline, call.default_deadline = now + remaining_s, now + own.default_s
            try:
                async with asyncio.timeout_at(call.deadline + _BACKSTOP_S) as backstop:
                    return await step(call)
            except TimeoutError:
                if backstop.expired():
                    raise DeadlineExceededInFlight("the deadline passed") from None
                raise

        return timed

    return layer
