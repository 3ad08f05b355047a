"""What an admin request names may not exist."""

from typing import TypeVar

from starlette.exceptions import HTTPException

T = TypeVar("T")


def require_found(found: T | None, problem: str) -> T:
    """Return what was found. None results in HTTP 404 with the problem."""
    if found is None:
        raise HTTPException(404, problem)
    return found
