"""The metadata of the current call: handlers read that of the request, and set that of the response.

The server binds it to the call's context, so that the adapter need not import the server.
"""

from collections.abc import Iterable
from contextvars import ContextVar

_RequestMetadata = Iterable[tuple[str, str | bytes]]

_request_metadata: ContextVar[_RequestMetadata] = ContextVar("request_metadata", default=())
_response_metadata: ContextVar[dict[str, str] | None] = ContextVar("response_metadata", default=None)


def bind(request_metadata: _RequestMetadata) -> dict[str, str]:
    """Bind metadata to the current call; return the response metadata, which handlers fill."""
    response_metadata: dict[str, str] = {}
    _request_metadata.set(request_metadata)
    _response_metadata.set(response_metadata)
    return response_metadata


def get_request_metadata(key: str) -> str:
    """Return the values of a key, joined by commas; empty if there are none, or outside a call."""
    return ",".join(
        value for name, value in _request_metadata.get() if name == key and isinstance(value, str)
    )


def set_response_metadata(key: str, value: str) -> None:
    """Send metadata with the response of the call. Outside a call this does nothing."""
    response_metadata = _response_metadata.get()
    if response_metadata is not None:
        response_metadata[key] = value
