"""The clock of the gateway, and the time formats of 1688."""

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

BEIJING = timezone(timedelta(hours=8))
_COMPACT_TIME = re.compile(r"(\d{14})(\d{3})([+-]\d{4})")


@dataclass(slots=True, kw_only=True)
class Clock:
    """A clock with an offset that tests can set."""

    offset_ms: int = 0
    """How far it is ahead of this machine's clock."""
    timestamp_window_ms: int | None = None
    """How much `_aop_timestamp` may differ from this clock; None: any timestamp is accepted."""

    def now_ms(self) -> int:
        """Return the time in epoch milliseconds."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def accepts_timestamp(self, timestamp: str) -> bool:
        """Return whether the `_aop_timestamp` of a call is inside the window."""
        if self.timestamp_window_ms is None:
            return True
        return timestamp.isdecimal() and abs(self.now_ms() - int(timestamp)) <= self.timestamp_window_ms


def floor_to_second(epoch_ms: int) -> int:
    """Return a time without milliseconds, as 1688 shows the times of orders and refunds."""
    return epoch_ms // 1000 * 1000


def format_compact_time(epoch_ms: int, zone: tzinfo = BEIJING) -> str:
    """Return a time as `yyyyMMddHHmmssSSS+0800`; by default, Beijing time."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return datetime.fromtimestamp(seconds, zone).strftime(f"%Y%m%d%H%M%S{milliseconds:03d}%z")


def parse_compact_time(text: str) -> int:
    """Return the epoch milliseconds of `yyyyMMddHHmmssSSS+0800`, with any UTC offset. Raises ValueError."""
    match = _COMPACT_TIME.fullmatch(text)
    if match is None:
        raise ValueError("must have the form yyyyMMddHHmmssSSS+0800")
    seconds, milliseconds, zone = match.groups()
    return int(datetime.strptime(seconds + zone, "%Y%m%d%H%M%S%z").timestamp()) * 1000 + int(milliseconds)


def format_time(epoch_ms: int) -> str:
    """Return Beijing time as `yyyy-MM-dd HH:mm:ss`."""
    return datetime.fromtimestamp(epoch_ms // 1000, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
