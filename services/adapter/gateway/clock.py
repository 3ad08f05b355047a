"""Reads the gateway's clock, for calls that carry a timestamp."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from services.errors import ConnectError, DeadlineExceeded, NationalsiteError, UpstreamUnreadable

TimeFetcher: TypeAlias = Callable[[float], Awaitable[object]]
"""Calls `system/currentTime`, until a deadline in loop time; returns the parsed response."""

_TIME = re.compile(r"(\d{8})(\d{6})(\d{3})([+-]\d{4})", re.ASCII)
"""Example: 20261010164552223+0800."""


class GatewayClock:
    """Measures how far the gateway's clock is ahead of ours, by asking the gateway for the time."""

    def __init__(self, fetch_time: TimeFetcher) -> None:
        self._fetch_time = fetch_time
        self._offset_ms: int | None = None
        self._measure_lock = asyncio.Lock()

    async def offset_ms(self, deadline: float) -> int:
        """Return the offset to add to `local_ms()`. The first caller measures it, and the others wait for it.

        Every error that it raises says that the caller's own call was not sent.
        """
        if self._offset_ms is not None:
            return self._offset_ms
        try:
            async with asyncio.timeout_at(deadline), self._measure_lock:
                if self._offset_ms is None:
                    self._offset_ms = await self._measure(deadline)
                return self._offset_ms
        except (TimeoutError, DeadlineExceeded) as error:
            raise DeadlineExceeded("the deadline passed while 1688's clock was read") from error
        except NationalsiteError as error:
            if error.may_have_executed:
                raise ConnectError("1688's clock cannot be read") from error
            raise

    def invalidate(self, offset_ms: int) -> None:
        """Forget this offset, so that the next call measures again. A newer offset is kept."""
        if self._offset_ms == offset_ms:
            self._offset_ms = None

    async def _measure(self, deadline: float) -> int:
        before_ms = local_ms()
        response = await self._fetch_time(deadline)
        middle_ms = (before_ms + local_ms()) // 2
        try:
            return _parse_ms(str(response)) - middle_ms
        except ValueError as error:
            raise UpstreamUnreadable("1688's clock cannot be read") from error


def _parse_ms(text: str) -> int:
    # strptime is not used: it accepts wrong digits, and reads month 13 as month 1 and day 3.
    if (match := _TIME.fullmatch(text)) is None:
        raise ValueError("not a time in 1688's format")
    return int(datetime.fromisoformat(match.expand(r"\1T\2.\3\4")).timestamp() * 1000)


def local_ms() -> int:
    """Return the time of our own clock, in milliseconds since the epoch."""
    return time.time_ns() // 10**6
