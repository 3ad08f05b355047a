"""An HTTP upstream that responds after a fixed delay, at any load.

Arguments: a file with the response body, and the delay in seconds. It only finds the end of each request, so
it needs little CPU.
"""

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import uvloop

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Respond = Callable[[bytes, bytes], bytes]
"""Returns the response to a request, of its head and its body."""


class HttpProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, respond: Respond, delay_s: float = 0.0) -> None:
        self._respond = respond
        self._delay_s = delay_s
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # a TCP server has this kind

    def data_received(self, data: bytes) -> None:
        """Respond to each complete request, or schedule the response."""
        self._received += data
        while (head := self._received.find(b"\r\n\r\n")) >= 0:
            length = _CONTENT_LENGTH.search(self._received, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            response = self._respond(bytes(self._received[:head]), bytes(self._received[head + 4 : end]))
            del self._received[:end]
            if self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._write, response)
            else:
                self._write(response)

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


def build_response(body: bytes) -> bytes:
    """Return an HTTP response with a JSON body."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def serve(build_protocol: Callable[[], HttpProtocol]) -> str:
    """Listen on a free loopback port; return host:port."""
    server = await asyncio.get_running_loop().create_server(build_protocol, "127.0.0.1", 0, backlog=4096)
    host, port = server.sockets[0].getsockname()
    return f"{host}:{port}"


async def main(body: bytes, delay_s: float) -> None:
    """Serve until stopped."""
    response = build_response(body)
    print(await serve(lambda: HttpProtocol(lambda _head, _body: response, delay_s)), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]).read_bytes(), float(sys.argv[2])))
