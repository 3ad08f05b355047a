"""A DNS server on loopback. It returns the addresses of replicas, as for a headless Service."""

import socket
import struct
import threading
from collections.abc import Iterable
from types import TracebackType

_TYPE_A = 1
_NXDOMAIN = 3
_TTL_S = 1


class FakeDnsServer:
    """Responds over UDP until it is closed. Names without `set` do not exist."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="fake-dns", daemon=True)

    def __enter__(self) -> "FakeDnsServer":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._socket.sendto(b"", self._socket.getsockname())  # an empty datagram stops the thread
        self._thread.join()
        self._socket.close()

    def set(self, name: str, addresses: Iterable[str]) -> None:
        """Set the addresses of a name."""
        self._addresses[name] = tuple(addresses)

    def _serve(self) -> None:
        while True:
            query, caller = self._socket.recvfrom(512)
            if not query:
                return
            self._socket.sendto(self._build_response(query), caller)

    def _build_response(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5  # the question: labels, a zero byte, type, class
        addresses = self._addresses.get(_parse_name(query[12:]))
        (record_type,) = struct.unpack_from("!H", query, end - 4)
        returned = addresses if addresses and record_type == _TYPE_A else ()
        flags = 0x8180 | (_NXDOMAIN if addresses is None else 0)
        header = query[:2] + struct.pack("!HHHHH", flags, 1, len(returned), 0, 0)
        records = (
            struct.pack("!HHHIH", 0xC00C, _TYPE_A, 1, _TTL_S, 4) + socket.inet_aton(address)
            for address in returned
        )
        return header + query[12:end] + b"".join(records)


def _parse_name(question: bytes) -> str:
    labels = []
    offset = 0
    while length := question[offset]:
        labels.append(question[offset + 1 : offset + 1 + length].decode())
        offset += 1 + length
    return ".".join(labels).lower()
