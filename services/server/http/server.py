"""HTTP listeners of a service."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.server.http.connection import Connection
from services.server.http.connections import Connections, HttpLimits
from services.server.http.messages import Respond
from services.tracked_tasks import TrackedTasks


@asynccontextmanager
async def serve_http(
    respond: Respond, listener: socket.socket, limits: HttpLimits | None = None
) -> AsyncIterator[None]:
    """Serve requests on a listening socket while the context is open; close the socket at its end.

    `respond` gets complete requests. An exception of it is logged, and the response is 500.
    """
    limits = limits or HttpLimits()
    connections, tasks = Connections(limits), TrackedTasks()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(connections, limits, respond, tasks),
        sock=listener,
        backlog=limits.max_connections,
    )
    try:
        yield
    finally:
        server.close()
        connections.is_stopping = True
        connections.close_idle()
        await tasks.close(cancel_after_s=limits.shutdown_timeout_s)
        connections.close()
        listener.close()
