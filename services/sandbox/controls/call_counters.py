"""Counts the calls: how many came, how many run now."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    """The counters."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()
        """Calls received, by the name of the API."""
        self.in_flight: Counter[str] = Counter()
        """Calls that have neither been answered nor given up by their client, by the name of the API."""
        self.peak = 0
        """The most calls in flight at once."""

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Counts one call for as long as it runs."""
        self.attempts[name] += 1
        self.in_flight[name] += 1
        self.peak = max(self.peak, self.in_flight.total())
        try:
            yield
        finally:
            self.in_flight[name] -= 1
