"""Counters of what is open."""

from collections import Counter


def remove_one(counter: Counter[str], key: str) -> None:
    """Count one less. A key without any is removed, so that the counter does not grow."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
