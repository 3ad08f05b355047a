"""A subscription's topics, as they are stored."""

import json
from collections.abc import Iterable


def write_topics(topics: Iterable[str]) -> str:
    """Return topics as text: the same for the same ones in any order."""
    return json.dumps(sorted(set(topics)))


def read_topics(text: str) -> tuple[str, ...]:
    """Return the topics, sorted; none at all means every topic."""
    return tuple(json.loads(text))
