"""A caller of one RPC that takes only the beginning of its response.

It writes the HTTP/2 frames itself: a gRPC library always reads, and so the server could send everything. This
caller never enlarges its window of 64 KiB. So a longer response stays unsent until the call ends.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

WINDOW_BYTES = 65_535
"""What a server may send on a new connection, by the default of HTTP/2."""
STREAM_ID = 1
_DATA, _HEADERS, _RST_STREAM, _SETTINGS = 0, 1, 3, 4
_ACK = _END_STREAM = 1
_END_HEADERS = 4
_CANCEL = 8


class StalledCaller:
    """A call whose request was sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read_beginning(self) -> int:
        """Read what the server may send. Return the length of the response, which its beginning says."""
        received = b""
        while len(received) < WINDOW_BYTES:
            head = await self._reader.readexactly(9)
            length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            payload = await self._reader.readexactly(length)
            if kind == _SETTINGS and not flags & _ACK:
                self._send(_SETTINGS, flags=_ACK, stream_id=0)
            if kind == _DATA:
                received += payload
        _is_compressed, response_bytes = struct.unpack("!?I", received[:5])
        return int(response_bytes)

    def reject(self) -> None:
        """End the call alone, as gRPC does for a response above its limit, and when its caller cancels."""
        self._send(_RST_STREAM, _CANCEL.to_bytes(4, "big"))

    def disappear(self) -> None:
        """Break the connection, as a process does that was killed."""
        self._writer.transport.abort()

    def start(self, path: str, request: bytes, headers: dict[str, str], *, is_stream: bool) -> None:
        """Send the connection preface and the request, the first of more if it is a stream."""
        self._writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self._send(_SETTINGS, stream_id=0)
        all_headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "localhost",
            "content-type": "application/grpc",
            "te": "trailers",
            **headers,
        }
        self._send(
            _HEADERS, b"".join(map(_encode_header, *zip(*all_headers.items(), strict=True))), _END_HEADERS
        )
        message = struct.pack("!?I", False, len(request)) + request
        self._send(_DATA, message, flags=0 if is_stream else _END_STREAM)

    def _send(self, kind: int, payload: bytes = b"", flags: int = 0, stream_id: int = STREAM_ID) -> None:
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream_id.to_bytes(4, "big")
        self._writer.write(head + payload)


def _encode_header(name: str, value: str) -> bytes:
    """Encode a header for HPACK: as it is, not for the table. Both are shorter than 127 bytes."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


@asynccontextmanager
async def stalled_call(
    address: str, path: str, request: bytes, headers: dict[str, str] | None = None, *, is_stream: bool = False
) -> AsyncIterator[StalledCaller]:
    """Yield a call of a method, such as /package.Service/Method, with a serialized request."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    caller = StalledCaller(reader, writer)
    caller.start(path, request, headers or {}, is_stream=is_stream)
    try:
        yield caller
    finally:
        caller.disappear()
