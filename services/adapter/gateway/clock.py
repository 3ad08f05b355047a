"""The gateway's clock, for calls that carry a timestamp."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.errors import Unreadable

Probe = Callable[[float], Awaitable[object]]
"""Asks `system/currentTime`, until a deadline in loop time; returns the parsed answer."""


class Clock:
    """Milliseconds since the epoch as the gateway counts them, learnt from its own probe."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._offset_ms: int | None = None
        self._calibrating = asyncio.Lock()

    async def now_ms(self, deadline: float) -> int:
        """Return the gateway's time; the first call asks for it."""
        async with self._calibrating:
            if self._offset_ms is None:
                self._offset_ms = await self._measure(deadline)
        return _local_ms() + self._offset_ms

    def distrust(self) -> None:
        """Measure again before the next timestamp."""
        self._offset_ms = None

    async def _measure(self, deadline: float) -> int:
        before = _local_ms()
        answer = await self._probe(deadline)
        middle = (before + _local_ms()) // 2
        try:
            moment = datetime.strptime(str(answer), "%Y%m%d%H%M%S%f%z")
        except ValueError as error:
            raise Unreadable("1688's clock cannot be read") from error
        return int(moment.timestamp() * 1000) - middle


def _local_ms() -> int:
    return time.time_ns() // 10**6
