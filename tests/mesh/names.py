"""A name server on loopback: what a headless Service answers in a cluster, its replicas' addresses."""

import socket
import struct
import threading
from collections.abc import Iterable
from types import TracebackType

_TYPE_A = 1
_NO_SUCH_NAME = 3
_TTL_S = 1


class Names:
    """Answers over UDP until it is closed. Names that nobody has set do not exist."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)

    def __enter__(self) -> "Names":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._socket.sendto(b"", self._socket.getsockname())  # wakes the thread, which takes it for the end
        self._thread.join()
        self._socket.close()

    def set(self, name: str, addresses: Iterable[str]) -> None:
        """From now on a name leads to these addresses."""
        self._addresses[name] = tuple(addresses)

    def _serve(self) -> None:
        while True:
            query, caller = self._socket.recvfrom(512)
            if not query:
                return
            self._socket.sendto(self._answer(query), caller)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5  # of the question: labels, a zero byte, type and class
        addresses = self._addresses.get(_name(query[12:]))
        (kind,) = struct.unpack_from("!H", query, end - 4)
        found = addresses if addresses and kind == _TYPE_A else ()
        flags = 0x8180 | (_NO_SUCH_NAME if addresses is None else 0)
        header = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        answers = (
            struct.pack("!HHHIH", 0xC00C, _TYPE_A, 1, _TTL_S, 4) + socket.inet_aton(each) for each in found
        )
        return header + query[12:end] + b"".join(answers)


def _name(question: bytes) -> str:
    labels = []
    at = 0
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels).lower()
