"""An HTTP listener, and bytes for it which no HTTP client would send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.server import HttpHandler, HttpLimits, open_listener, serve_http

TIMEOUT_S = 10


@asynccontextmanager
async def serving(handle: HttpHandler, **limits: Any) -> AsyncIterator[tuple[str, int]]:
    """Serve requests with these limits; yield the address of the listener."""
    listener = open_listener("-", "127.0.0.1:0")
    async with serve_http(handle, listener, HttpLimits(**limits)):
        yield listener.getsockname()


async def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """Send these bytes; return what arrives until the server closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), TIMEOUT_S)
    finally:
        writer.close()
