"""A timer for a deadline that is often set anew, such as that of the next request of a connection."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from math import inf

_RESOLUTION_S = 0.001
"""Of uvloop's clock: timers can fire this much too early."""


class DeadlineTimer:
    """Calls a function when a deadline passes.

    Moving the deadline to a later time, or removing it, leaves the timer of the event loop as it is. When it
    fires too early, it is started again for the current deadline.
    """

    __slots__ = ("_callback", "_deadline", "_loop", "_timer", "_timer_end")

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
        self._loop = loop
        self._callback = callback
        self._deadline = inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_end = inf
        """When the timer of the loop fires; infinite if there is none."""

    def set(self, deadline: float) -> None:
        """Set the deadline, in the event loop's time. An infinite deadline never passes."""
        self._deadline = deadline
        if deadline < self._timer_end:
            self._start()

    def clear(self) -> None:
        """Remove the deadline."""
        self._deadline = inf

    def close(self) -> None:
        """Cancel the timer for good, and drop the callback: often it refers to an object that has this timer.

        Otherwise the two would be a cycle, which stays in memory until the next garbage collection.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_end = None, -inf  # no deadline is earlier
        self._callback = _do_nothing

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
            self._callback()
        elif self._deadline < inf:
            self._start()


def _do_nothing() -> None:
    """In place of a callback that was dropped."""
