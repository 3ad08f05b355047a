"""Parses the requests of one connection with llhttp, strictly.

A request whose end a proxy could see at another place is rejected, and no more is parsed: the bytes that
follow may belong to it (request smuggling).
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum, auto
from typing import TypeAlias

import httptools
import structlog

from services.server.http.connections import READ_BYTES, HttpLimits
from services.server.http.messages import HttpRequest, HttpResponse, parse_target

MAX_PIPELINED = 100
"""Complete requests that may wait for their turn. While one waits, the connection is not read. So only a
client that sends many in one read can exceed it."""
_HOST, _LENGTH, _ENCODING, _EXPECT = b"host", b"content-length", b"transfer-encoding", b"expect"
_CHECKED_HEADERS = {_HOST, _LENGTH, _ENCODING, _EXPECT}
"""Each may occur once: a proxy could use another one of two values."""

_log = structlog.get_logger()


class Awaited(Enum):
    """What comes next from a client."""

    HEADERS = auto()
    """The rest of the headers of a request, or the first request."""
    BODY = auto()
    """The rest of a body."""
    REQUEST = auto()
    """The next request."""
    END = auto()
    """Its end of the connection."""


class Rejection(Exception):
    """A request is rejected with this response, which is the connection's last one."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.response = HttpResponse(
            status=status, body=reason.replace("_", " ") + "\n", headers=headers or {}
        )


Received: TypeAlias = tuple[HttpRequest, bool] | Rejection
"""A request, and whether it is the connection's last one; or the rejection of the last one."""


class RequestParser:
    """Parses what a client sends. httptools calls the methods `on_...`; an exception ends the parsing."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.received: deque[Received] = deque()
        """What waits for its turn."""
        self.awaited = Awaited.HEADERS
        self.awaits_continue = False
        """Whether the client waits for 100 Continue before it sends the body of an incomplete request."""
        self._read_bytes = 0
        """Size of the last read."""
        # Of the request that is being parsed.
        self.request_bytes = 0
        """Upper bound of its size so far: all of the read in which it began is counted."""
        self._header_bytes = 0
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self._is_last = False

    @property
    def is_stopped(self) -> bool:
        """Whether no more is parsed: what arrives is to be discarded."""
        return self._parser is None

    def feed(self, data: memoryview) -> None:
        """Parse a read."""
        parser = self._parser
        if parser is None:
            return
        self._read_bytes = len(data)
        self.request_bytes += len(data)
        try:
            parser.feed_data(data)
            # httptools calls `on_header` when a header is complete, and nothing for what surrounds chunks.
            limit = self._limits.max_header_bytes + READ_BYTES
            if self.awaited is Awaited.HEADERS and self.request_bytes > limit:
                raise Rejection(431, "headers_too_large")
            if self.request_bytes > limit + self._limits.max_body_bytes:
                raise Rejection(413, "request_too_large")
        except httptools.HttpParserUpgrade:
            pass  # the request is answered as if it did not ask for another protocol
        except Rejection as rejection:
            self._reject(rejection)
        except httptools.HttpParserError as error:
            if self._parser is not None:  # otherwise data has arrived after the last request
                self._reject(_to_rejection(error))

    def stop(self) -> None:
        """Parse no more. What was received stays."""
        self._parser = None

    def end(self) -> None:
        """Parse no more, and forget what was received."""
        self.stop()
        self.awaited = Awaited.END
        self.received.clear()
        self._headers.clear()
        self._body.clear()
        self.awaits_continue = False

    def on_message_begin(self) -> None:
        """The first byte of a request has arrived."""
        self.awaited = Awaited.HEADERS
        self.request_bytes = self._read_bytes
        self._header_bytes = 0
        self._target = b""
        self._headers.clear()

    def on_url(self, part: bytes) -> None:
        """A part of the request's target has arrived."""
        self._target += part
        self._count_header_bytes(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has arrived, or a trailer, which is not read."""
        self._count_header_bytes(len(name) + len(value) + len(b": \r\n"))
        if self.awaited is Awaited.HEADERS and (name := name.lower()) in _CHECKED_HEADERS:
            if name in self._headers:
                raise Rejection(400, "repeated_header")
            self._headers[name] = value.strip(b" \t")

    def on_headers_complete(self) -> None:
        """Check what can be known before the body."""
        assert self._parser is not None  # noqa: S101 # it calls this
        version, headers = self._parser.get_http_version(), self._headers
        if version not in ("1.0", "1.1"):
            raise Rejection(505, "http_version")
        if version == "1.1" and _HOST not in headers:
            raise Rejection(400, "no_host")
        length, encoding = headers.get(_LENGTH), headers.get(_ENCODING)
        changes_protocol = self._parser.should_upgrade()  # what follows is not necessarily a body
        if (length is not None or encoding is not None) and changes_protocol:
            raise Rejection(400, "ambiguous_length")
        if encoding is not None and (
            length is not None or encoding.lower() != b"chunked" or version == "1.0"
        ):
            raise Rejection(400, "ambiguous_length")
        if length and int(length) > self._limits.max_body_bytes:
            raise Rejection(413, "body_too_large")
        self._is_last = changes_protocol or not self._parser.should_keep_alive()
        self.awaits_continue = version == "1.1" and headers.get(_EXPECT, b"").lower() == b"100-continue"
        self.awaited = Awaited.BODY

    def on_body(self, part: bytes) -> None:
        """A part of the body has arrived."""
        self._body += part
        if len(self._body) > self._limits.max_body_bytes:
            raise Rejection(413, "body_too_large")

    def on_message_complete(self) -> None:
        """The request is complete."""
        assert self._parser is not None  # noqa: S101 # it calls this
        try:
            path, query = parse_target(self._target)
        except httptools.HttpParserInvalidURLError:
            raise Rejection(400, "malformed_target") from None
        if len(self.received) >= MAX_PIPELINED:
            raise Rejection(400, "too_many_pipelined")
        method = self._parser.get_method().decode()
        request = HttpRequest(method=method, path=path, query=query, body=bytes(self._body))
        self.received.append((request, self._is_last))
        self.awaited = Awaited.REQUEST
        self.request_bytes = 0
        self.awaits_continue = False
        self._body.clear()
        if self._is_last:
            self.stop()

    def _count_header_bytes(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > self._limits.max_header_bytes:
            raise Rejection(431, "headers_too_large")

    def _reject(self, rejection: Rejection) -> None:
        """Reject a request when those before it have their responses."""
        self.received.append(rejection)
        self.stop()


def _to_rejection(error: httptools.HttpParserError) -> Rejection:
    """Return the rejection that a method `on_...` raised; else that of a malformed request."""
    cause = error.__context__
    if cause is None:
        return Rejection(400, "malformed")
    if not isinstance(cause, Rejection):
        _log.error("http_request_failed", exc_info=cause)
        return Rejection(500, "internal_error")
    return cause
