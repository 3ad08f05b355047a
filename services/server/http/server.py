"""HTTP listeners of a service."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from services.server.http.connection import Connection
from services.server.http.connections import Connections, HttpLimits
from services.server.http.messages import HttpHandler
from services.tracked_tasks import TrackedTasks


@asynccontextmanager
async def serve_http(
    handle: HttpHandler, listener: socket.socket, limits: HttpLimits | None = None
) -> AsyncIterator[None]:
    """Serve requests on a listening socket while the context is open; close the socket at its end.

    `handle` gets complete requests. An exception of it is logged, and the response is 500.
    """
    limits = limits or HttpLimits()
    connections, tasks = Connections(limits), TrackedTasks()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(connections, limits, handle, tasks),
        sock=listener,
        backlog=limits.max_connections,
    )
    try:
        yield
    finally:
        server.close()
        connections.is_stopping = True
        connections.end_idle()
        try:
            await tasks.close(cancel_after_s=limits.shutdown_timeout_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(limits.shutdown_timeout_s):
                    await connections.wait_until_empty()
        finally:
            connections.close()
            listener.close()
