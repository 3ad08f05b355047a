"""Reads the query string of an admin request."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_DIGITS = 18


def parse_number(request: Request, name: str, default: int) -> int:
    """Return a parameter, or the default if it is absent. Anything but digits results in HTTP 400."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise HTTPException(400, f"{name}: must be a number")
    return int(text)
