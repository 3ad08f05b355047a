"""Deadlines: each call has the deadline of its caller, else the default of its method."""

import asyncio
import math
from collections.abc import Mapping

from services.errors import DeadlineExceeded
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.call_timeout import CallTimeout
from services.server.settings import DeadlineLimits

UNARY_LIMITS = DeadlineLimits()
"""For a unary method without limits in the settings."""
STREAM_LIMITS = DeadlineLimits.model_construct(default_s=math.inf, cap_s=math.inf)
"""For a stream without limits in the settings: it lasts until the caller ends it."""


class DeadlineInterceptor:
    """Computes the deadline in the event loop's time, and ends a call that runs longer."""

    def __init__(self, method: MethodInfo, *, limits: Mapping[str, DeadlineLimits]) -> None:
        """`limits`: by the name of the method, such as `SearchByKeyword`."""
        self._clock = asyncio.get_running_loop().time
        default = STREAM_LIMITS if method.is_streaming else UNARY_LIMITS
        chosen = limits.get(method.descriptor.name, default)
        self._default_s, self._cap_s = chosen.default_s, chosen.cap_s

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise DeadlineExceeded if no time is left, or the request does not arrive in time.

        Raises DeadlineExceededInFlight if the call runs too long.
        """
        callers_s: float | None = call.grpc_context.time_remaining()
        remaining_s = self._default_s if callers_s is None else min(callers_s, self._cap_s)
        if remaining_s <= 0:
            raise DeadlineExceeded("the deadline had passed before the call began")
        now = self._clock()
        call.deadline, call.default_deadline = now + remaining_s, now + self._default_s
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 # gRPC runs each call in a task
        with CallTimeout(task, call.deadline) as call.timeout:
            return await call_next(call)
