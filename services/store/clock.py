"""The clock that stored times and leases go by; tests hand in one of their own."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns milliseconds since the epoch."""


def system_clock() -> int:
    """Return this machine's time. Replicas are taken to agree within a few seconds; leases are longer."""
    return time.time_ns() // 10**6
