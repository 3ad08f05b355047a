"""How long to wait before a repeat: longer each time, and never together with others."""

import random

FIRST_S = 0.2
MOST_S = 20.0


def pause_s(failures: int, *, at_least_s: float = 0.0) -> float:
    """Return the pause after so many failures in a row, from 1: the upper half of it is chance."""
    full_s = min(FIRST_S * 2 ** min(failures - 1, 30), MOST_S)
    return max(at_least_s, random.uniform(full_s / 2, full_s))  # noqa: S311 # no secret
