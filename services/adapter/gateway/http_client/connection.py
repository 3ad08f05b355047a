"""A connection, and the exchange of one request and one response at a time on it.

llhttp parses the responses, strictly. Whatever ends an exchange otherwise than with a complete response, or
follows that response while no request is in progress, closes the connection. So no request gets the response
to another one, unless the server sends two responses to one request, and the second one late.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import cast

import httptools
import msgspec

from services.deadline_timer import DeadlineTimer

MAX_HEAD_BYTES = 64 * 2**10
MAX_RECEIVED_BYTES = 17 * 2**20
"""Of a response as it is sent: with its head, compressed, in chunks."""

_FRAMING = {"content-length", "transfer-encoding"}


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A response that was read completely, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names are in lower case. Of several headers with one name it has the first."""
    body: bytes


class ConnectionBroken(Exception):
    """The connection ended before the response did, or what arrived is no HTTP response."""


class ResponseTooLarge(Exception):
    """The response is larger than the client accepts."""


class HttpConnection(asyncio.Protocol):
    """A connection to a server."""

    __slots__ = (
        "_body",
        "_ended",
        "_headers",
        "_loop",
        "_parser",
        "_raw_headers",
        "_received",
        "_status",
        "_timer",
        "_transport",
        "_writable",
        "idle_since",
        "is_reusable",
        "on_body",
        "on_header",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport
        self._ended: asyncio.Future[Exception | None] | None = None
        """The end of the exchange in progress, if one is. Its result is None if the response is complete."""
        self._writable: asyncio.Future[None] | None = None
        """Set while the transport's buffer is full."""
        self._timer = DeadlineTimer(loop, lambda: self._end(TimeoutError()))
        self._received = self._status = 0
        """The status of the response, once its head is complete."""
        self._headers: dict[str, str] = {}
        self._raw_headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        # The parser calls these for each header and part of the body. As methods in C, they take less time.
        self.on_header = self._raw_headers.setdefault
        self.on_body = self._body.append
        self._parser = httptools.HttpResponseParser(self)
        self.is_reusable = True
        """Whether another request may be sent when the exchange has ended."""
        self.idle_since = 0.0
        """Set by the pool."""

    async def exchange(self, request: Iterable[bytes], deadline: float) -> HttpResponse:
        """Send a request and read its response, until `deadline` (loop time).

        If the response arrives before all chunks of the request are written, the others are not, and the
        connection is not used again. Raises TimeoutError, ConnectionBroken and ResponseTooLarge. A failure or
        a cancellation closes the connection.
        """
        if not self.is_reusable:
            raise ConnectionBroken("the connection had ended before the request was sent")
        self._received = self._status = 0
        self._ended = ended = self._loop.create_future()
        self._timer.set(deadline)
        try:
            for chunk in request:
                self._transport.write(chunk)
                if self._writable is not None:
                    await self._writable
                    if ended.done():
                        self.is_reusable = False
                        break
            error = await ended
            if error is not None:
                raise error
            return HttpResponse(status=self._status, headers=self._headers, body=b"".join(self._body))
        except BaseException:
            self.close()
            raise
        finally:
            self._timer.clear()
            self._ended = None
            self._body.clear()  # an idle connection holds no response in memory, and no trailers
            self._raw_headers.clear()

    def close(self) -> None:
        """Close the connection at once."""
        self.is_reusable = False
        self._transport.abort()

    def _end(self, error: Exception | None) -> None:
        """End the exchange, unless it has ended."""
        if error is not None:
            self.close()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(error)
            self.resume_writing()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Parse a part of the response."""
        if self._ended is None:
            self.close()  # no request is waiting for a response
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            broken = ConnectionBroken("not an HTTP response")
            broken.__cause__ = error
            self._end(broken)
        if self._received > (MAX_RECEIVED_BYTES if self._status else MAX_HEAD_BYTES):
            self._end(ResponseTooLarge())

    def eof_received(self) -> None:
        """Let the transport close itself."""
        self.is_reusable = False

    def connection_lost(self, error: Exception | None) -> None:
        """End the exchange. A response without a length is complete now.

        Also without TLS's close_notify, which many servers do not send, and asyncio does not report. That a
        response was cut shows when it is parsed as JSON.
        """
        self.is_reusable = False
        self._timer.close()
        is_complete = error is None and self._status and not self._headers.keys() & _FRAMING
        if is_complete:
            self._end(None)
        else:
            broken = ConnectionBroken("the connection ended before the response")
            broken.__cause__ = error
            self._end(broken)

    def pause_writing(self) -> None:
        """Have the exchange wait before it writes more."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let the exchange go on."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a response, final or interim. Raises ConnectionBroken if the final one is complete."""
        if self._ended is None or self._ended.done():
            raise ConnectionBroken("a second response")

    def on_headers_complete(self) -> None:
        """Read headers and status. Raises ConnectionBroken if it is none, or switches to another protocol."""
        # Trailers come later, and are not read. The parser leaves the space behind a value.
        self._headers = {
            name.decode("latin-1").lower(): value.decode("latin-1").rstrip(" \t")
            for name, value in reversed(self._raw_headers.items())  # so the first of a name counts
        }
        self._raw_headers.clear()  # an interim response has headers of its own
        self._status = self._parser.get_status_code()
        if self._status < 100 or self._status == 101:
            raise ConnectionBroken("no status, or another protocol")
        if not self._parser.should_keep_alive():
            self.is_reusable = False

    def on_message_complete(self) -> None:
        """End the exchange, unless the response is interim, such as 100 Continue."""
        if self._status >= 200:
            self._end(None)
        else:
            self._status = 0
