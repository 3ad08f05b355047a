"""The HTTP server: uvicorn, with access to each connection."""

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_TIMEOUT_S = 75
SHUTDOWN_TIMEOUT_S = 2


class SandboxProtocol(H11Protocol):
    """HTTP/1.1 that passes its transport to the application, in `scope["state"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Add the transport and the set of all connections to `scope["state"]` of each request."""
        super().connection_made(transport)
        self.app_state = self.app_state | {"transport": transport, "connections": self.connections}

    def shutdown(self) -> None:
        """Close at once: a call that hangs must not delay the shutdown."""
        super().shutdown()
        self.transport.close()


class SandboxServer(uvicorn.Server):
    """A server that prints its addresses."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=SandboxProtocol,
                ws="none",
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_TIMEOUT_S,
                timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print a line for each address as soon as it accepts connections."""
        await super().startup(sockets)
        for listener in sockets or []:
            print(f"sandbox listening on {_format_url(listener)}", flush=True)


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises OSError."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family)


def _format_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
