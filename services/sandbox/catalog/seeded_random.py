"""Repeatable random choices.

Each choice is a hash of its subject and its key. So the catalog is the same on every machine and after
every restart. A choice with a new key does not change the other choices, but a changed key changes the
catalog.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class SeededRandom:
    """The choices about one subject, such as one offer."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def randint(self, key: str, low: int, high: int) -> int:
        """Return a number from `low` to `high`, both included."""
        digest = blake2b(f"{self._subject}/{key}".encode(), digest_size=8).digest()
        return low + int.from_bytes(digest) % (high - low + 1)

    def choice(self, key: str, choices: Sequence[T]) -> T:
        """Return one of `choices`."""
        return choices[self.randint(key, 0, len(choices) - 1)]

    def chance(self, key: str, percent: int) -> bool:
        """Return True with this probability in percent."""
        return self.randint(key, 1, 100) <= percent

    def hex_digits(self, key: str) -> str:
        """Return 32 hexadecimal digits."""
        return blake2b(f"{self._subject}/{key}".encode(), digest_size=16).hexdigest()
