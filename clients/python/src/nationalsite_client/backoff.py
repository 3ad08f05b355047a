"""Exponential backoff with jitter."""

import random

INITIAL_BACKOFF_S = 0.2
MAX_BACKOFF_S = 20.0


def backoff_s(failures: int, *, min_s: float = 0.0) -> float:
    """Return the pause after a number of failures in a row, 1 or more.

    It doubles with each failure. Half of it is random, so that clients that failed together do not retry
    together.
    """
    full_s = min(INITIAL_BACKOFF_S * 2 ** min(failures - 1, 30), MAX_BACKOFF_S)
    return max(min_s, random.uniform(full_s / 2, full_s))  # noqa: S311 # jitter is no secret
