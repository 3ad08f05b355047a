"""The queue of pushes, due now or later."""

import heapq
import itertools
import time
from dataclasses import dataclass

from services.sandbox.catalog.seeded_random import SeededRandom
from services.sandbox.messages.message import Message


@dataclass(slots=True, kw_only=True, eq=False)
class QueuedPush:
    """One push of a message, with its retries."""

    message: Message
    retries_left: int
    is_duplicate: bool = False
    """The failure of a duplicate is not a failure of the message."""


class PushQueue:
    """Returns pushes in the order in which they are due, or shuffled."""

    def __init__(self) -> None:
        self._later: list[tuple[float, int, QueuedPush]] = []
        """A heap of: due time (monotonic), a unique number for equal times, push."""
        self._due: list[QueuedPush] = []
        self._sequence = itertools.count()
        self._rng = SeededRandom("queue")

    def __len__(self) -> int:
        return len(self._later) + len(self._due)

    def put(self, push: QueuedPush, delay_s: float) -> None:
        """Add a push that is due after a delay."""
        heapq.heappush(self._later, (time.monotonic() + delay_s, next(self._sequence), push))

    def pop_due(self, *, shuffled: bool) -> QueuedPush | None:
        """Remove and return the next due push; if shuffled, a random due push."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._due.append(heapq.heappop(self._later)[2])
        if not self._due:
            return None
        last = len(self._due) - 1
        return self._due.pop(self._rng.randint(f"pick {next(self._sequence)}", 0, last) if shuffled else 0)

    def next_due_s(self) -> float | None:
        """Return the seconds until a push is due; None if the queue is empty."""
        if self._due:
            return 0.0
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def clear(self) -> list[QueuedPush]:
        """Remove and return all pushes."""
        pushes = self._due + [push for _, _, push in sorted(self._later)]
        self._due, self._later = [], []
        return pushes
