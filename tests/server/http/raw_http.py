"""Sends bytes to an HTTP listener which no HTTP client would send."""

import asyncio

TIMEOUT_S = 10


async def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """Send these bytes; return what arrives until the server closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), TIMEOUT_S)
    finally:
        writer.close()
