"""Counters of what is open."""


def remove_one(counter: dict[str, int], key: str) -> None:
    """Count one less. A key without any is removed, so that the counter does not grow."""
    if counter[key] > 1:
        counter[key] -= 1
    else:
        del counter[key]
