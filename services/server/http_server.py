"""HTTP listeners of a service: aiohttp.web, with limits for everything that a client can use up."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError

from services.server.http_connections import Connection, Connections, HttpLimits, rejected

_MAX_HEADERS = 64
_READ_BUFFER_BYTES = 2**16
"""aiohttp stops reading a body when twice as many bytes wait for the handler."""

_log = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve_http(
    routes: Iterable[web.RouteDef], listener: socket.socket, limits: HttpLimits | None = None
) -> AsyncIterator[None]:
    """Serve the routes on a listening socket while the context is open; close the socket at its end.

    The body of a request has arrived when its handler is called. So handlers need no timeout to read it.
    """
    limits = limits or HttpLimits()
    request_limits = _RequestLimits(limits)
    app = web.Application(
        client_max_size=limits.max_body_bytes,
        middlewares=[web.middleware(request_limits)],
    )
    app.add_routes(routes)
    app.on_response_prepare.append(_hide_version)
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=limits.idle_timeout_s,
        lingering_time=limits.linger_s,
        logger=_log,
        max_headers=_MAX_HEADERS,
        read_bufsize=_READ_BUFFER_BYTES,
        shutdown_timeout=limits.shutdown_timeout_s,
    )
    await runner.setup()
    assert runner.server is not None  # noqa: S101 # after setup
    request_limits.connections = Connections(limits, runner.server)
    server = await asyncio.get_running_loop().create_server(
        request_limits.connections.build_connection, sock=listener, backlog=limits.max_connections
    )
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()
        listener.close()


class _RequestLimits:
    """Reads the body of a request, and calls the handler when it is complete."""

    connections: Connections
    """Set when aiohttp's server, which needs this middleware, has been built."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits

    async def __call__(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        connection = self.connections.find(request.transport)
        if connection is None:  # it has been closed
            return web.Response(status=400)
        will_close = False
        try:
            response = await self._respond(request, handler, connection)
            will_close = response.keep_alive is False
            return response
        finally:
            connection.end_request(will_close=will_close)

    async def _respond(
        self, request: web.Request, handler: _Handler, connection: Connection
    ) -> web.StreamResponse:
        connection.begin_body()
        rejection = await self._read_body(request)
        if rejection:
            return rejection
        if self.connections.concurrent_requests >= self._limits.max_concurrent_requests:
            rejection = _reject(503, "request_limit")
            rejection.headers["Retry-After"] = "1"
            return rejection
        connection.begin_request()
        return await handler(request)

    async def _read_body(self, request: web.Request) -> web.Response | None:
        """Read the complete body. Return a response if it is rejected."""
        if _is_ambiguous(request):
            return _reject(400, "ambiguous_length")
        try:
            if (request.content_length or 0) > self._limits.max_body_bytes:
                raise web.HTTPRequestEntityTooLarge(self._limits.max_body_bytes)
            if request.content.is_eof():  # as most bodies, which arrive with their headers
                await request.read()
            else:
                async with asyncio.timeout(self._limits.body_timeout_s):
                    await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _reject(413, "body_too_large")
        except TimeoutError:
            return _reject(408, "body_timeout")
        except (ConnectionError, web.RequestPayloadError):  # closed by the client, or an invalid chunked body
            return _reject(400, "incomplete_body")
        return None


def _reject(status: int, reason: str) -> web.Response:
    """Return a response after which the connection is closed."""
    rejected.labels(reason).inc()
    response = web.Response(status=status, text=reason.replace("_", " ") + "\n")
    response.force_close()
    return response


def _is_ambiguous(request: web.Request) -> bool:
    """Return whether a proxy may see the end of the request elsewhere.

    The next request on the connection could be part of this one (request smuggling). aiohttp's parser rejects
    most of these requests, but not all.
    """
    has_length = hdrs.CONTENT_LENGTH in request.headers
    encodings = request.headers.getall(hdrs.TRANSFER_ENCODING, ())
    if encodings and (has_length or [encoding.strip().lower() for encoding in encodings] != ["chunked"]):
        return True
    # What follows the head of such a request is not necessarily its body.
    changes_protocol = request.method == hdrs.METH_CONNECT or hdrs.UPGRADE in request.headers
    return changes_protocol and (has_length or bool(encodings))


async def _hide_version(_: web.Request, response: web.StreamResponse) -> None:
    """Remove the versions of aiohttp and Python, which no client needs to know."""
    response.headers.popall("Server", None)


def _demote_client_errors(record: logging.LogRecord) -> bool:
    """Log a malformed request as a warning: aiohttp logs it as an error, though the client caused it."""
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


_log.addFilter(_demote_client_errors)
