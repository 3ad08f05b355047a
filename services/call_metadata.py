"""What travels beside a call's messages: read and added to by whoever answers the call, in whatever room.

Neutral ground like errors.py, as the server that carries metadata and the adapter that answers by it do not
know each other: the server begins, and sends with the response what was noted until then.
"""

from collections.abc import Iterable
from contextvars import ContextVar

_Pairs = Iterable[tuple[str, str | bytes]]

_asked: ContextVar[_Pairs] = ContextVar("asked", default=())
_told: ContextVar[dict[str, str] | None] = ContextVar("told", default=None)


def bind(get_request_metadata: _Pairs) -> dict[str, str]:
    """Begin a call with the metadata of its request; return what will have been noted for its response."""
    told: dict[str, str] = {}
    _asked.set(get_request_metadata)
    _told.set(told)
    return told


def get_request_metadata(key: str) -> str:
    """Return the values of a key of the request, comma-joined; empty where there is none, or no call."""
    return ",".join(value for found, value in _asked.get() if found == key and isinstance(value, str))


def set_response_metadata(key: str, value: str) -> None:
    """Note what is to be told with the response of the call; nobody is told outside of one."""
    told = _told.get()
    if told is not None:
        told[key] = value
