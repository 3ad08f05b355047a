"""One HTTP exchange, with the means to end it badly."""

import asyncio
from typing import Literal

from starlette.types import Receive, Scope, Send

from services.sandbox.http.responses import Reply


class Connection:
    """The client's end of a call whose body has been read.

    `scope["state"]["transport"]` is the transport; the sandbox's HTTP protocol puts it there.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._receive = receive
        self._send = send

    async def is_gone_within(self, seconds: float) -> bool:
        """Waits so long; returns True at once when the client closes the connection."""
        try:
            async with asyncio.timeout(seconds):
                await self._gone()
        except TimeoutError:
            return False
        return True

    async def send(self, reply: Reply) -> None:
        """Sends a whole answer."""
        await self._start(reply)
        await self._send({"type": "http.response.body", "body": reply.body})

    async def send_part(self, reply: Reply, length: int) -> None:
        """Announces a whole answer, sends its first bytes, at most all but one, and closes the connection."""
        await self._start(reply)
        part = reply.body[: min(length, len(reply.body) - 1)]
        await self._send({"type": "http.response.body", "body": part, "more_body": True})
        await self.close("after_sending")

    async def close(self, how: Literal["at_once", "after_sending"] = "at_once") -> None:
        """Closes the connection without a further answer."""
        if how == "at_once":
            self._transport.abort()
        else:
            self._transport.close()
        # The server takes an application that returns before the connection is lost for a broken one.
        await self._gone()

    async def _start(self, reply: Reply) -> None:
        headers = {**reply.headers, **reply.trace, "Content-Length": str(len(reply.body))}
        await self._send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [
                    (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
                ],
            }
        )

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
