"""One connection: it answers requests in order, and has deadlines for its client."""

import asyncio
from typing import cast

import structlog

from services.deadline_timer import DeadlineTimer
from services.server.http.connections import Connections, HttpLimits, rejected, to_address
from services.server.http.messages import HttpHandler, HttpRequest, HttpResponse, encode_response
from services.server.http.request_parser import Awaited, Rejection, RequestParser
from services.tracked_tasks import TrackedTasks

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_log = structlog.get_logger()


class Connection(asyncio.BufferedProtocol):
    """A connection of a client. asyncio's transport calls it."""

    def __init__(
        self, connections: Connections, limits: HttpLimits, handle: HttpHandler, tasks: TrackedTasks
    ) -> None:
        self._connections = connections
        self._limits = limits
        self._handle = handle
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._requests = RequestParser(limits)
        self.address = ""
        self.buffered_bytes = 0
        self._is_responding = False
        self._is_paused = False
        """Whether the connection is not read now."""
        self._can_write = True
        self._has_ended = False
        """Whether the client sends no more."""
        self._timed: Awaited | None = None
        """What the deadline is for. While the service responds, there is none."""
        self._timer = DeadlineTimer(self._loop, self._on_deadline)

    def close(self) -> None:
        """Close the connection at once. What has not been sent of a response is lost."""
        self._release()
        self._transport.abort()

    def end(self, *, lingers: bool = False) -> None:
        """Close the connection when all responses are sent.

        If it lingers, it waits until the client has closed its end, too, and discards what still arrives.
        Without that, data that was not read would make the client get a reset instead of the last response.
        """
        self._requests.end()
        self._connections.set_bytes(self, 0)
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
        if self._requests.is_stopped:
            return
        if not self._connections.make_room(nbytes):
            rejected.labels("buffer_limit").inc()
            self.close()
        if self._transport.is_closing():  # make_room, too, may have closed this connection
            return
        self._connections.set_bytes(self, self.buffered_bytes + nbytes)
        self._requests.feed(self._connections.read_buffer[:nbytes])
        self._start_next()

    def eof_received(self) -> bool:
        """Return whether there is a response to be sent before the connection is closed."""
        if self._requests.awaited is Awaited.BODY:
            rejected.labels("incomplete_body").inc()
        self._requests.stop()
        self._has_ended = True
        return self._is_responding or bool(self._requests.received)

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

    # Responses.

    def _start_next(self) -> None:
        """Start the next request if it is its turn. Otherwise set the deadline for the client."""
        if self._transport.is_closing():
            return
        waiting = self._requests.received
        if waiting and self._can_write and not self._is_responding:
            received = waiting.popleft()
            if isinstance(received, Rejection):
                self._reject(received)
                return
            if self._connections.concurrent_requests >= self._limits.max_concurrent_requests:
                self._reject(Rejection(503, "request_limit", {"Retry-After": "1"}))
                return
            self._is_responding = True
            self._connections.concurrent_requests += 1
            self._connections.set_idle(self, is_idle=False)
            self._tasks.start(self._answer(*received))
        if waiting and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        if self._requests.awaits_continue and not self._is_responding and not waiting:
            self._requests.awaits_continue = False
            self._transport.write(_CONTINUE)
        self._set_deadline()

    async def _answer(self, request: HttpRequest, is_last: bool) -> None:
        has_body = request.method != "HEAD"
        try:
            response = await self._handle(request)
            is_end = self._has_ended and not self._requests.received
            is_last = is_last or is_end or self._connections.is_stopping
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
        if not self._requests.received:
            self._connections.set_bytes(self, self._requests.request_bytes)
            self._resume_reading()
        self._start_next()

    def _reject(self, rejection: Rejection) -> None:
        rejected.labels(rejection.reason).inc()
        self._transport.write(encode_response(rejection.response, has_body=True, is_last=True))
        self.end(lingers=True)

    def _resume_reading(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _release(self) -> None:
        self._requests.end()
        self._connections.remove(self)
        self._timer.close()

    # Deadlines.

    def _set_deadline(self) -> None:
        """Set the deadline for what the client has to do next, unless it is set already."""
        # A request that waits, although the service does not respond, waits for the client to read.
        awaited = Awaited.REQUEST if self._requests.received else self._requests.awaited
        if self._is_responding:
            self._timed = None
            self._timer.clear()
        elif awaited is not self._timed:
            if awaited is Awaited.BODY:  # the connection is no longer one that has been idle for long
                self._connections.set_idle(self, is_idle=True)
            self._timed = awaited
            self._timer.set(self._loop.time() + self._get_timeout_s(awaited))

    def _get_timeout_s(self, awaited: Awaited) -> float:
        match awaited:
            case Awaited.HEADERS:
                return self._limits.header_timeout_s
            case Awaited.BODY:
                return self._limits.body_timeout_s
            case Awaited.REQUEST:
                return self._limits.idle_timeout_s
            case Awaited.END:
                return self._limits.linger_s

    def _on_deadline(self) -> None:
        if self._timed is Awaited.BODY:
            self._reject(Rejection(408, "body_timeout"))
            return
        if self._timed is Awaited.HEADERS:
            rejected.labels("header_timeout").inc()
        self.close()
