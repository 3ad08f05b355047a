"""The gateway's idea of the time, and how old a call may be."""

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
_COMPACT = re.compile(r"(\d{14})(\d{3})([+-]\d{4})")


@dataclass(slots=True, kw_only=True)
class Clock:
    """A clock that can be put wrong."""

    offset_ms: int = 0
    """How far ahead of this machine's clock it is."""
    window_ms: int | None = None
    """How far `_aop_timestamp` may be off; None = any timestamp is taken."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def accepts(self, timestamp: str) -> bool:
        """Whether a call with this `_aop_timestamp` is young enough."""
        if self.window_ms is None:
            return True
        return timestamp.isdecimal() and abs(self.now_ms() - int(timestamp)) <= self.window_ms


def compact(epoch_ms: int) -> str:
    """Beijing time as `yyyyMMddHHmmssSSS+0800`."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return datetime.fromtimestamp(seconds, BEIJING).strftime(f"%Y%m%d%H%M%S{milliseconds:03d}%z")


def read_compact(text: str) -> int:
    """The epoch milliseconds of `yyyyMMddHHmmssSSS+0800`, in any zone. Raises ValueError."""
    found = _COMPACT.fullmatch(text)
    if found is None:
        raise ValueError("not as yyyyMMddHHmmssSSS+0800")
    seconds, milliseconds, zone = found.groups()
    return int(datetime.strptime(seconds + zone, "%Y%m%d%H%M%S%z").timestamp()) * 1000 + int(milliseconds)


def spelled_out(epoch_ms: int) -> str:
    """Beijing time as `yyyy-MM-dd HH:mm:ss`."""
    return datetime.fromtimestamp(epoch_ms // 1000, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
