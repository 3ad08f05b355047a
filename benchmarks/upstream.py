"""An upstream that costs next to nothing: `python -m benchmarks.upstream`.

It answers each POST with a reply that it holds ready, by the name in the request, such as `search-20`, and
after a while where the name goes on with `-wait-1000` (milliseconds). It checks no signature.
"""

import asyncio
import re

import uvloop

from benchmarks.replies import PAGES, SKUS, reply

NAMES = (*(f"search-{size}" for size in PAGES), *(f"detail-{size}" for size in SKUS), "upload", "category")
UPLOAD_MS = 100
"""How long a picture takes, so that it can be seen what is held meanwhile."""
DEFAULT = "search-20"
"""Of a request that names none."""

_ASKED = re.compile(rb"(search-\d+|detail-\d+|upload)(?:-wait-(\d+))?")
_DETAIL = re.compile(rb"offerId%22%3A(\d+)")
"""A detail is asked for by its number of SKUs."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Upstream(asyncio.Protocol):
    """One connection."""

    replies: dict[bytes, bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport
        self._received = bytearray()

    def data_received(self, data: bytes) -> None:
        """Answer what has come in whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            request = bytes(self._received[: min(whole, end + 4096)])
            del self._received[:whole]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        asked, wait_ms = DEFAULT.encode(), 0
        if found := _ASKED.search(request):
            asked, wait_ms = found[1], int(found[2] or 0)
        elif found := _DETAIL.search(request):
            asked = b"detail-" + found[1]
        elif b"image.upload" in request:
            asked, wait_ms = b"upload", UPLOAD_MS
        elif b"category.get" in request:
            asked = b"category"
        answer = self.replies[asked]
        if wait_ms:
            asyncio.get_running_loop().call_later(wait_ms / 1000, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)  # type: ignore[attr-defined] # a connection's transport writes


async def main() -> None:
    """Serve until the process is stopped."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
    bodies = {name.encode(): reply(name) for name in NAMES}
    Upstream.replies = {name: head % len(body) + body for name, body in bodies.items()}
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=2048)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
