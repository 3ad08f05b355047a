"""HTTP listeners of a service process: aiohttp.web, with a bound on everything that a client may cost."""

import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http import HttpProcessingError

MAX_CONCURRENT_REQUESTS = 500
"""Of one listener. The server responds to further requests with 503."""

IDLE_TIMEOUT_S = 5.0
"""After which a connection without a whole request head is closed.

aiohttp counts it from the connection, or from the last response, until the last header has arrived: silent
connections, slow headers and idle connections have the same limit.
"""

# If the response is sent before the request's body has arrived, the body is read for this time. So the client
# reads the response and not a reset. Then the connection is closed.
_LINGER_S = 1.0

_SHUTDOWN_TIMEOUT_S = 1.0
_MAX_REQUEST_LINE_BYTES = 2**16

_log = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve_http(routes: Iterable[web.RouteDef], listener: socket.socket) -> AsyncIterator[None]:
    """Serve the routes on a listening socket while the context is open; close the socket at its end.

    Handlers bound the body that they read: aiohttp limits only `request.read()`, and not its time.
    """
    app = web.Application(middlewares=[web.middleware(_ConcurrencyLimit(MAX_CONCURRENT_REQUESTS))])
    app.add_routes(routes)
    app.on_response_prepare.append(_hide_version)
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=IDLE_TIMEOUT_S,
        lingering_time=_LINGER_S,
        logger=_log,
        max_line_size=_MAX_REQUEST_LINE_BYTES,
        shutdown_timeout=_SHUTDOWN_TIMEOUT_S,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
        listener.close()


class _ConcurrencyLimit:
    """Responds with 503 while as many requests as allowed are in flight."""

    def __init__(self, max_requests: int) -> None:
        self._max_requests = max_requests
        self._in_flight = 0

    async def __call__(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if self._in_flight >= self._max_requests:
            response = web.Response(status=503, text="too many requests\n", headers={"Retry-After": "1"})
            response.force_close()
            return response
        self._in_flight += 1
        try:
            return await handler(request)
        finally:
            self._in_flight -= 1


async def _hide_version(_: web.Request, response: web.StreamResponse) -> None:
    """aiohttp names itself and Python with their versions, which no client needs to know."""
    response.headers.popall("Server", None)


def _demote_client_errors(record: logging.LogRecord) -> bool:
    """aiohttp logs a malformed request as an error of the server, with its stack: it is the client's."""
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


_log.addFilter(_demote_client_errors)
