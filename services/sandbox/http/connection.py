"""The client's connection during one call. Faults delay or truncate the response, or close the connection."""

import asyncio
from typing import Literal

from starlette.types import Receive, Scope, Send

from services.sandbox.http.responses import HttpResponse


class Connection:
    """The connection of a call. Its methods may be called only after the request body has been read.

    `scope["state"]["transport"]` is its transport: `server.SandboxProtocol` puts it there.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._receive = receive
        self._send = send

    async def disconnects_within(self, timeout_s: float) -> bool:
        """Wait until the client closes the connection (True), or until the timeout (False)."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wait_for_disconnect()
        except TimeoutError:
            return False
        return True

    async def send(self, response: HttpResponse) -> None:
        """Send a complete response."""
        await self._send_headers(response)
        await self._send({"type": "http.response.body", "body": response.body})

    async def send_truncated(self, response: HttpResponse, length: int) -> None:
        """Send the Content-Length of the whole body, but at most `length` bytes and never all; then close."""
        await self._send_headers(response)
        part = response.body[: min(length, len(response.body) - 1)]
        await self._send({"type": "http.response.body", "body": part, "more_body": True})
        await self.close("after_sending")

    async def close(self, when: Literal["now", "after_sending"] = "now") -> None:
        """Close the connection: at once, or after the data written so far has been sent."""
        if when == "now":
            self._transport.abort()
        else:
            self._transport.close()
        # uvicorn logs an error if the application returns before the connection is lost.
        await self._wait_for_disconnect()

    async def _send_headers(self, response: HttpResponse) -> None:
        headers = {**response.headers, **response.trace_headers, "Content-Length": str(len(response.body))}
        await self._send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [
                    (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
                ],
            }
        )

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
