"""The gateway's clock, for calls that carry a timestamp."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.errors import ConnectError, DeadlineExceeded, NationalsiteError, UpstreamUnreadable

Probe = Callable[[float], Awaitable[object]]
"""Asks `system/currentTime`, until a deadline in loop time; returns the parsed answer."""

_TIME = re.compile(r"(\d{8})(\d{6})(\d{3})([+-]\d{4})", re.ASCII)
"""As in 20261010164552223+0800."""


class GatewayClock:
    """How far the gateway's clock is from ours, learnt from its own probe."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._offset_ms: int | None = None
        self._measuring = asyncio.Lock()

    async def offset_ms(self, deadline: float) -> int:
        """Return what to add to `local_ms`; the first call measures it, for all that wait.

        Raises what says that nothing of the caller's own was sent.
        """
        if self._offset_ms is not None:
            return self._offset_ms
        try:
            async with asyncio.timeout_at(deadline), self._measuring:
                if self._offset_ms is None:
                    self._offset_ms = await self._measure(deadline)
                return self._offset_ms
        except (TimeoutError, DeadlineExceeded) as error:
            raise DeadlineExceeded("the deadline passed while 1688's clock was read") from error
        except NationalsiteError as error:
            if error.may_have_executed:
                raise ConnectError("1688's clock cannot be read") from error
            raise

    def distrust(self, offset_ms: int) -> None:
        """Measure again before the next timestamp, unless that was done since this offset was told."""
        if self._offset_ms == offset_ms:
            self._offset_ms = None

    async def _measure(self, deadline: float) -> int:
        before = local_ms()
        answer = await self._probe(deadline)
        middle = (before + local_ms()) // 2
        try:
            return _ms(str(answer)) - middle
        except ValueError as error:
            raise UpstreamUnreadable("1688's clock cannot be read") from error


def _ms(text: str) -> int:
    # strptime would read on where digits are amiss: month 13 as month 1 and day 3.
    if (found := _TIME.fullmatch(text)) is None:
        raise ValueError("not a time as 1688 writes it")
    return int(datetime.fromisoformat(found.expand(r"\1T\2.\3\4")).timestamp() * 1000)


def local_ms() -> int:
    """Return our own clock, in milliseconds since the epoch."""
    return time.time_ns() // 10**6
