"""One connection: it parses requests, answers them in order, and has deadlines for its client.

llhttp parses the requests, strictly. A request whose end a proxy could see at another place is rejected, and
the connection is closed: the bytes that follow may belong to it (request smuggling).
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from enum import Enum, auto
from typing import cast

import httptools
import structlog

from services.server.http.connections import READ_BYTES, Connections, HttpLimits, rejected, to_address
from services.server.http.messages import Handler, HttpRequest, HttpResponse, encode_response, parse_target
from services.tracked_tasks import TrackedTasks

MAX_PIPELINED = 100
"""Complete requests that may wait for their turn. While one waits, the connection is not read. So only a
client that sends many in one read can exceed it."""
_HOST, _LENGTH, _ENCODING, _EXPECT = b"host", b"content-length", b"transfer-encoding", b"expect"
_CHECKED_HEADERS = {_HOST, _LENGTH, _ENCODING, _EXPECT}
"""Each may occur once: a proxy could use another one of two values."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_log = structlog.get_logger()


class _Phase(Enum):
    """What a connection waits for."""

    HEADERS = auto()
    """The rest of the headers of a request, or the first request."""
    BODY = auto()
    """The rest of a body."""
    REQUEST = auto()
    """The next request, or that the client reads the responses that it has."""
    END = auto()
    """That the client has read the last response and closed its end."""


class _Rejection(Exception):
    """A request is rejected with this response, which is the connection's last one."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.response = HttpResponse(
            status=status, body=reason.replace("_", " ") + "\n", headers=headers or {}
        )


class Connection(asyncio.BufferedProtocol):
    """A connection of a client. asyncio's transport calls it, and the parser, which has `on_...` methods."""

    def __init__(
        self, connections: Connections, limits: HttpLimits, handle: Handler, tasks: TrackedTasks
    ) -> None:
        self._connections = connections
        self._limits = limits
        self._handle = handle
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self.address = ""
        self.buffered_bytes = 0
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        """None if no more requests are read: what arrives is discarded."""
        self._received: deque[tuple[HttpRequest, bool] | _Rejection] = deque()
        """Requests that wait for their turn, and whether each is the last one."""
        self._is_responding = False
        self._is_paused = False
        """Whether the connection is not read now."""
        self._can_write = True
        self._has_ended = False
        """Whether the client sends no more."""
        self._phase = _Phase.HEADERS
        # While the service responds, there is no deadline, and `_timed_phase` is None. Most deadlines are
        # replaced within milliseconds. So a timer that ends too early stays, and then sets the right one.
        self._timed_phase: _Phase | None = None
        """The phase that the deadline is for."""
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_end = 0.0
        self._read_bytes = 0
        """Size of the last read."""
        # Of the request that is being parsed.
        self._request_bytes = 0
        """Upper bound of its size so far: all of the read in which it began is counted."""
        self._header_bytes = 0
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self._is_last = False
        self._awaits_continue = False
        """Whether its client waits for 100 Continue before it sends the body."""

    def close(self) -> None:
        """Close the connection at once. What has not been sent of a response is lost."""
        self._release()
        self._transport.abort()

    def end(self, *, lingers: bool = False) -> None:
        """Close the connection when all responses are sent.

        If it lingers, it waits until the client has closed its end, too, and discards what still arrives.
        Without that, data that was not read would make the client get a reset instead of the last response.
        """
        self._forget_requests()
        self._connections.set_bytes(self, 0)
        self._phase = _Phase.END
        self._set_deadline()
        if not lingers or self._has_ended:
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has reset the connection, which was not read
            self.close()
        else:
            self._resume_reading()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting for the first request, or close the connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self.address = to_address(transport.get_extra_info("peername"))
        if self._connections.admit(self):
            self._set_deadline()
        else:
            self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the transport puts what it reads next."""
        return self._connections.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what has arrived, unless a limit is exceeded."""
        if self._parser is None:
            return
        if not self._connections.make_room(nbytes):
            rejected.labels("buffer_limit").inc()
            self.close()
        if self._transport.is_closing():  # make_room, too, may have closed this connection
            return
        self._connections.set_bytes(self, self.buffered_bytes + nbytes)
        self._read_bytes = nbytes
        self._request_bytes += nbytes
        self._parse(self._parser, self._connections.read_buffer[:nbytes])
        self._start_next()

    def eof_received(self) -> bool:
        """Return whether there is a response to be sent before the connection is closed."""
        if self._phase is _Phase.BODY:
            rejected.labels("incomplete_body").inc()
        self._parser = None
        self._has_ended = True
        return self._is_responding or bool(self._received)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything but a request that is being handled."""
        self._release()

    def pause_writing(self) -> None:
        """Start no further request: the client does not read its responses."""
        self._can_write = False

    def resume_writing(self) -> None:
        """Start the next request."""
        self._can_write = True
        self._start_next()

    # What the parser calls. An exception ends the parsing.

    def on_message_begin(self) -> None:
        """The first byte of a request has arrived."""
        self._phase = _Phase.HEADERS
        self._request_bytes = self._read_bytes
        self._header_bytes = 0
        self._target = b""
        self._headers.clear()
        self._body.clear()

    def on_url(self, part: bytes) -> None:
        """A part of the request's target has arrived."""
        self._target += part
        self._count_header_bytes(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has arrived, or a trailer, which is not read."""
        self._count_header_bytes(len(name) + len(value) + len(b": \r\n"))
        if self._phase is _Phase.HEADERS and (name := name.lower()) in _CHECKED_HEADERS:
            if name in self._headers:
                raise _Rejection(400, "repeated_header")
            self._headers[name] = value.strip(b" \t")

    def on_headers_complete(self) -> None:
        """Check what can be known before the body."""
        assert self._parser is not None  # noqa: S101 # it calls this
        version, headers = self._parser.get_http_version(), self._headers
        if version not in ("1.0", "1.1"):
            raise _Rejection(505, "http_version")
        if version == "1.1" and _HOST not in headers:
            raise _Rejection(400, "no_host")
        length, encoding = headers.get(_LENGTH), headers.get(_ENCODING)
        changes_protocol = self._parser.should_upgrade()  # what follows is not necessarily a body
        if (length is not None or encoding is not None) and changes_protocol:
            raise _Rejection(400, "ambiguous_length")
        if encoding is not None and (
            length is not None or encoding.lower() != b"chunked" or version == "1.0"
        ):
            raise _Rejection(400, "ambiguous_length")
        if length and int(length) > self._limits.max_body_bytes:
            raise _Rejection(413, "body_too_large")
        self._is_last = changes_protocol or not self._parser.should_keep_alive()
        self._awaits_continue = version == "1.1" and headers.get(_EXPECT, b"").lower() == b"100-continue"
        self._phase = _Phase.BODY
        if not self._is_responding:
            self._connections.set_idle(self, is_idle=True)  # it is no longer one that waits for long

    def on_body(self, part: bytes) -> None:
        """A part of the body has arrived."""
        self._body += part
        if len(self._body) > self._limits.max_body_bytes:
            raise _Rejection(413, "body_too_large")

    def on_message_complete(self) -> None:
        """The request is complete."""
        assert self._parser is not None  # noqa: S101 # it calls this
        try:
            path, query = parse_target(self._target)
        except httptools.HttpParserInvalidURLError:
            raise _Rejection(400, "malformed_target") from None
        if len(self._received) >= MAX_PIPELINED:
            raise _Rejection(400, "too_many_pipelined")
        method = self._parser.get_method().decode()
        request = HttpRequest(method=method, path=path, query=query, body=bytes(self._body))
        self._received.append((request, self._is_last))
        self._phase = _Phase.REQUEST
        self._request_bytes = 0
        self._awaits_continue = False
        self._body.clear()
        if self._is_last:
            self._parser = None

    def _count_header_bytes(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > self._limits.max_header_bytes:
            raise _Rejection(431, "headers_too_large")

    def _parse(self, parser: httptools.HttpRequestParser, data: memoryview) -> None:
        try:
            parser.feed_data(data)
            # The parser calls `on_header` when a header is complete, and nothing for what surrounds chunks.
            limit = self._limits.max_header_bytes + READ_BYTES
            if self._phase is _Phase.HEADERS and self._request_bytes > limit:
                raise _Rejection(431, "headers_too_large")
            if self._request_bytes > limit + self._limits.max_body_bytes:
                raise _Rejection(413, "request_too_large")
        except httptools.HttpParserUpgrade:
            pass  # the request is answered as if it did not ask for another protocol
        except _Rejection as rejection:
            self._reject_later(rejection)
        except httptools.HttpParserError as error:
            if self._parser is not None:  # otherwise data has arrived after the last request
                self._reject_later(_to_rejection(error))

    def _reject_later(self, rejection: _Rejection) -> None:
        """Reject a request when those before it have their responses."""
        self._received.append(rejection)
        self._parser = None

    # Responses.

    def _start_next(self) -> None:
        """Start the next request if it is its turn. Otherwise set the deadline for the client."""
        if self._transport.is_closing():
            return
        if self._received and self._can_write and not self._is_responding:
            received = self._received.popleft()
            if isinstance(received, _Rejection):
                self._reject(received)
                return
            if self._connections.concurrent_requests >= self._limits.max_concurrent_requests:
                self._reject(_Rejection(503, "request_limit", {"Retry-After": "1"}))
                return
            self._is_responding = True
            self._connections.concurrent_requests += 1
            self._connections.set_idle(self, is_idle=False)
            self._tasks.start(self._answer(*received))
        if self._received and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        if self._awaits_continue and not self._is_responding and not self._received:
            self._awaits_continue = False
            self._transport.write(_CONTINUE)
        self._set_deadline()

    async def _answer(self, request: HttpRequest, is_last: bool) -> None:
        has_body = request.method != "HEAD"
        try:
            response = await self._handle(request)
            is_last = is_last or self._connections.is_stopping or (self._has_ended and not self._received)
            encoded = encode_response(response, has_body=has_body, is_last=is_last)
        except Exception as error:
            _log.error("http_request_failed", exc_info=error)
            failure, is_last = HttpResponse(status=500, body="internal error\n"), True
            encoded = encode_response(failure, has_body=has_body, is_last=True)
        except BaseException:  # cancelled
            self.close()
            raise
        finally:
            self._connections.concurrent_requests -= 1
        if self._transport.is_closing():
            return
        self._is_responding = False
        self._connections.set_idle(self, is_idle=True)
        self._transport.write(encoded)
        if is_last:
            self.end(lingers=self._is_paused)  # if it is, there may be data that was not read
            return
        if not self._received:
            self._connections.set_bytes(self, self._request_bytes)
            self._resume_reading()
        self._start_next()

    def _reject(self, rejection: _Rejection) -> None:
        rejected.labels(rejection.reason).inc()
        self._transport.write(encode_response(rejection.response, has_body=True, is_last=True))
        self.end(lingers=True)

    def _resume_reading(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _release(self) -> None:
        self._forget_requests()
        self._connections.remove(self)
        self._timed_phase = None
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _forget_requests(self) -> None:
        self._parser = None
        self._received.clear()
        self._headers.clear()
        self._body.clear()
        self._awaits_continue = False

    # Deadlines.

    def _set_deadline(self) -> None:
        """Set the deadline of the phase, if that has just begun."""
        # A request that waits, although the service does not respond, waits for the client to read.
        phase = _Phase.REQUEST if self._received else self._phase
        if self._is_responding:
            self._timed_phase = None
        elif phase is not self._timed_phase:
            self._timed_phase = phase
            self._deadline = self._loop.time() + self._get_timeout_s(phase)
            if self._timer is None or self._timer_end > self._deadline:
                self._start_timer()

    def _get_timeout_s(self, phase: _Phase) -> float:
        match phase:
            case _Phase.HEADERS:
                return self._limits.header_timeout_s
            case _Phase.BODY:
                return self._limits.body_timeout_s
            case _Phase.REQUEST:
                return self._limits.idle_timeout_s
            case _Phase.END:
                return self._limits.linger_s

    def _start_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer_end = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._timed_phase is None:
            return
        if self._loop.time() < self._deadline:
            self._start_timer()
        elif self._timed_phase is _Phase.BODY:
            self._reject(_Rejection(408, "body_timeout"))
        else:
            if self._timed_phase is _Phase.HEADERS:
                rejected.labels("header_timeout").inc()
            self.close()


def _to_rejection(error: httptools.HttpParserError) -> _Rejection:
    """Return the rejection that a method raised which the parser called; else that of a malformed request."""
    cause = error.__context__
    if cause is None:
        return _Rejection(400, "malformed")
    if not isinstance(cause, _Rejection):
        _log.error("http_request_failed", exc_info=cause)
        return _Rejection(500, "internal_error")
    return cause
