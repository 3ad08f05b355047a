"""The metadata of the current call: handlers read the request metadata, and set the response metadata.

The server binds the metadata to the task of the call. So the adapter reads it without importing the server.
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
    """Return the values of a key, joined by commas; an empty string if there are none, or outside a call."""
    return ",".join(
        value for name, value in _request_metadata.get() if name == key and isinstance(value, str)
    )


def set_response_metadata(key: str, value: str) -> None:
    """Send trailing metadata with the response or the error of the call. Outside a call this does nothing."""
    response_metadata = _response_metadata.get()
    if response_metadata is not None:
        response_metadata[key] = value
