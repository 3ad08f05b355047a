"""Repeatable choices.

Every made-up fact is drawn from a hash of who it is about and what it is called. So the market is the
same on every machine and after every restart, and a new fact changes no older one.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """The choices about one subject, such as one offer."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def number(self, fact: str, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        digest = blake2b(f"{self._subject}/{fact}".encode(), digest_size=8).digest()
        return low + int.from_bytes(digest) % (high - low + 1)

    def pick(self, fact: str, choices: Sequence[T]) -> T:
        """One of `choices`."""
        return choices[self.number(fact, 0, len(choices) - 1)]

    def chance(self, fact: str, percent: int) -> bool:
        """True in `percent` of a hundred subjects."""
        return self.number(fact, 1, 100) <= percent

    def hexadecimal(self, fact: str) -> str:
        """32 hexadecimal digits."""
        return blake2b(f"{self._subject}/{fact}".encode(), digest_size=16).hexdigest()
