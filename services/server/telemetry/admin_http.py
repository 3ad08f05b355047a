"""The HTTP side: metrics and probes, in the loop of the server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.server.interceptors.metrics import TASKS

MAX_CONCURRENT_REQUESTS = 500
"""At once, of one listener; what comes on top is answered 503."""


def http_app(ready: Callable[[], Awaitable[bool]]) -> Starlette:
    """`/metrics`, `/livez` (200 while the loop runs), `/readyz` (200 while calls are welcome, else 503)."""

    async def metrics(_: Request) -> Response:
        TASKS.set(len(asyncio.all_tasks()))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_: Request) -> Response:
        return PlainTextResponse("ready\n") if await ready() else PlainTextResponse("not ready\n", 503)

    return Starlette(routes=[Route("/metrics", metrics), Route("/livez", livez), Route("/readyz", readyz)])


@asynccontextmanager
async def http_server(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    """Serves the app on a listening socket, which it closes at the end."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        limit_concurrency=MAX_CONCURRENT_REQUESTS,
        date_header=False,  # which the loop below would have to keep true
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        yield
    finally:
        server.ending.set()
        await serving
        listener.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Waits for the end, without looking for it ten times a second."""
        await self.ending.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process, which drains gRPC first."""
        yield
