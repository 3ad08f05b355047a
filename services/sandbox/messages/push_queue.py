"""The pushes that wait: those that are due, and those that are not yet."""

import heapq
import itertools
import time
from dataclasses import dataclass

from services.sandbox.catalog.seeded_random import Dice
from services.sandbox.messages.message import Message


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """One message on its way."""

    message: Message
    tries_left: int
    """After this one."""
    is_copy: bool = False
    """A duplicate: the message does not fail with it."""


class Queue:
    """In the order in which the pushes are due, or shuffled."""

    def __init__(self) -> None:
        self._later: list[tuple[float, int, Delivery]] = []
        """A heap: when it is due (monotonic), a number that tells equal times apart, the delivery."""
        self._due: list[Delivery] = []
        self._numbers = itertools.count()
        self._dice = Dice("queue")

    def __len__(self) -> int:
        return len(self._later) + len(self._due)

    def put(self, delivery: Delivery, delay_s: float) -> None:
        """Adds a push that is due so much later."""
        heapq.heappush(self._later, (time.monotonic() + delay_s, next(self._numbers), delivery))

    def take(self, *, shuffled: bool) -> Delivery | None:
        """The next push that is due; any of those that are, if shuffled."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._due.append(heapq.heappop(self._later)[2])
        if not self._due:
            return None
        last = len(self._due) - 1
        return self._due.pop(self._dice.number(f"pick {next(self._numbers)}", 0, last) if shuffled else 0)

    def next_due_s(self) -> float | None:
        """Seconds until there is something to take; None if nothing waits."""
        if self._due:
            return 0.0
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def clear(self) -> list[Delivery]:
        """Takes everything out."""
        everything = self._due + [delivery for _, _, delivery in sorted(self._later)]
        self._due, self._later = [], []
        return everything
