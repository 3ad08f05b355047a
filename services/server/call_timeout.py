"""The timeout of a call: its request has to arrive in time, then the call has to end in time."""

import asyncio
from types import TracebackType

from services.deadline_timer import DeadlineTimer
from services.errors import DeadlineExceeded, DeadlineExceededInFlight

ARRIVAL_TIMEOUT_S = 10.0
"""For a complete request, from when the service begins to read it."""
GRACE_S = 0.25
"""How long after its deadline a call is cancelled. Handlers enforce the deadline themselves, since they know
whether the call may have been executed."""


class CallTimeout:
    """A context manager around a call. When the time is over, it cancels the task of the call, and raises."""

    __slots__ = ("_cancelling", "_deadline", "_has_arrived", "_has_passed", "_loop", "_task", "_timer")

    def __init__(self, task: "asyncio.Task[object]", deadline: float) -> None:
        """`deadline` is in the event loop's time. There is no timeout before one of the methods sets it."""
        self._loop = task.get_loop()
        self._task = task
        self._cancelling = task.cancelling()
        self._deadline = deadline
        self._timer = DeadlineTimer(self._loop, self._cancel_task)
        self._has_arrived = self._has_passed = False

    def limit_arrival(self) -> None:
        """From now on, the request has to arrive in time."""
        self._timer.set(min(self._loop.time() + ARRIVAL_TIMEOUT_S, self._deadline))

    def limit_handling(self) -> None:
        """From now on, the call has to end by its deadline and `GRACE_S`, and need not receive a request."""
        self._has_arrived = True
        self._timer.set(self._deadline + GRACE_S)

    def __enter__(self) -> "CallTimeout":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """Raise DeadlineExceeded or DeadlineExceededInFlight if the timeout has passed."""
        self._timer.close()
        if not self._has_passed:
            return
        # As with asyncio.timeout, a task that something else has cancelled, too, stays cancelled.
        if self._task.uncancel() > self._cancelling or kind is not asyncio.CancelledError:
            return
        if self._has_arrived:
            raise DeadlineExceededInFlight("the deadline passed") from None
        raise DeadlineExceeded("the request did not arrive in time") from None

    def _cancel_task(self) -> None:
        self._has_passed = True
        self._task.cancel()
