"""A timer for a deadline that is often set anew, such as that of the next request of a connection."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from math import inf

_RESOLUTION_S = 0.001
"""Of uvloop's clock: timers can end this much too early."""


class DeadlineTimer:
    """Calls a function when a deadline passes.

    To move the deadline to a later time, or to remove it, takes no timer of the event loop: one that is set
    already stays, ends too early, and is then set anew.
    """

    __slots__ = ("_deadline", "_loop", "_on_passed", "_timer", "_timer_end", "has_passed")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_passed: Callable[[], object]) -> None:
        self._loop = loop
        self._on_passed = on_passed
        self._deadline = inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_end = inf
        """When the timer of the loop ends; infinite without one."""
        self.has_passed = False
        """Whether a deadline has passed."""

    def set(self, deadline: float) -> None:
        """Set the deadline, in the event loop's time. An infinite one is as good as none."""
        self._deadline = deadline
        if deadline < self._timer_end:
            self._start()

    def clear(self) -> None:
        """Remove the deadline."""
        self._deadline = inf

    def close(self) -> None:
        """Drop everything, also the function: so its object is freed without a garbage collection."""
        self._deadline, self._on_passed = inf, _do_nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_end = None, inf

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_end = self._deadline
        # Not in the context of the call that sets the deadline: the timer can outlive the call.
        self._timer = self._loop.call_at(self._deadline, self._on_timer, context=Context())

    def _on_timer(self) -> None:
        self._timer, self._timer_end = None, inf
        if self._loop.time() + _RESOLUTION_S >= self._deadline:
            self._deadline = inf
            self.has_passed = True
            self._on_passed()
        elif self._deadline != inf:
            self._start()


def _do_nothing() -> None:
    """Is called in place of the function of a closed timer."""
