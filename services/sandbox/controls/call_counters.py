"""Counts calls: received, in flight, and the peak of those in flight."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class CallCounters:
    """The counters of each operation, by its name."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()
        """Calls received."""
        self.in_flight: Counter[str] = Counter()
        """Calls that have no response yet, and whose client still waits."""
        self.peak_in_flight = 0
        """The highest number of calls in flight, of all operations together."""

    @contextmanager
    def track(self, name: str) -> Iterator[None]:
        """Count one call, which is in flight until the context manager exits."""
        self.attempts[name] += 1
        self.in_flight[name] += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight.total())
        try:
            yield
        finally:
            self.in_flight[name] -= 1
