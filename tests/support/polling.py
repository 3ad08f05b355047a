"""Waits for a condition instead of a fixed time."""

import time
from collections.abc import Callable

TIMEOUT_S = 20.0
POLL_INTERVAL_S = 0.02


def wait_until(condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> float:
    """Wait until a condition holds; return how many seconds it took. Fails after the timeout."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout_s, f"the condition does not hold after {timeout_s} s"
        time.sleep(POLL_INTERVAL_S)
    return time.monotonic() - started
