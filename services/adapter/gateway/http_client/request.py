"""A request, and the server that it is for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec


class Origin(NamedTuple):
    """A server of HTTP."""

    is_tls: bool
    host: str
    port: int


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A POST request."""

    origin: Origin
    target: str
    """Path and query, encoded."""
    headers: Mapping[str, str]
    """All headers. Nothing of them comes from a caller."""
    body: Iterable[bytes]

    def encode(self) -> Iterator[bytes]:
        """Return the request in chunks. If the body is one chunk, so is the request."""
        headers = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        body = iter(self.body)
        yield f"POST {self.target} HTTP/1.1\r\n{headers}\r\n".encode("ascii") + next(body, b"")
        yield from body
