"""An HTTP upstream that responds after a fixed delay, at any load.

Arguments: a file with the response body, and the delay in seconds. It only finds the end of each request, so
it needs little CPU.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import cast

import uvloop

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class DelayedProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, response: bytes, delay_s: float) -> None:
        self._response = response
        self._delay_s = delay_s
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # a TCP server has this kind

    def data_received(self, data: bytes) -> None:
        """Schedule a response for each complete request."""
        self._received += data
        while (head := self._received.find(b"\r\n\r\n")) >= 0:
            length = _CONTENT_LENGTH.search(self._received, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            del self._received[:end]
            asyncio.get_running_loop().call_later(self._delay_s, self._write)

    def _write(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._response)


async def main(body: bytes, delay_s: float) -> None:
    """Serve until stopped."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
    response = head % len(body) + body
    server = await asyncio.get_running_loop().create_server(
        lambda: DelayedProtocol(response, delay_s), "127.0.0.1", 0, backlog=4096
    )
    host, port = server.sockets[0].getsockname()
    print(f"{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]).read_bytes(), float(sys.argv[2])))
