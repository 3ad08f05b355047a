"""A proxy before PostgreSQL that cuts connections during a COMMIT.

It reads the messages of PostgreSQL's protocol, so it knows the statements of each transaction. It runs in a
thread of its own, and listens on a Unix socket as the server does.
"""

import asyncio
import re
import shutil
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"
START_TIMEOUT_S = 20
_HEADER = struct.Struct("!cI")
_STARTUP = struct.Struct("!II")
_ENCRYPTION_REQUESTS = {80877103, 80877104}  # the server answers these with one byte, without a header
_NEW_TRANSACTION = re.compile(r"\s*BEGIN", re.IGNORECASE)
_COMMIT = re.compile(r"\s*COMMIT", re.IGNORECASE)


class Cut(Enum):
    """When a connection is cut."""

    BEFORE = "before the server got the COMMIT"
    AFTER = "after the server executed the COMMIT, before the client got the response"


ChooseCut = Callable[[Sequence[str]], Cut | None]
"""Returns whether to cut at the COMMIT of a transaction with these statements."""


class PostgresProxy:
    """Forwards connections. `choose_cut` is called at each COMMIT, in the thread of the proxy."""

    def __init__(self, server_url: str, directory: Path) -> None:
        self._server_url = server_url
        self._server_socket = Path(server_url.partition("host=")[2]) / SOCKET_NAME
        self._directory = directory
        self.choose_cut: ChooseCut = lambda statements: None
        self.cuts = 0
        """The number of cuts so far."""

    def url(self, server_url: str) -> str:
        """Return the URL of a database of the server, through the proxy."""
        return server_url.replace(f"host={self._server_socket.parent}", f"host={self._directory}")

    async def serve(self, started: threading.Event, stopped: asyncio.Event) -> None:
        """Forward connections until `stopped`."""
        connections: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await _Connection(self, reader, writer).forward(self._server_socket)
            connections.discard(task)

        async with await asyncio.start_unix_server(accept, self._directory / SOCKET_NAME):
            started.set()
            await stopped.wait()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)


class _Connection:
    def __init__(
        self, proxy: PostgresProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client_reader, self._client_writer = reader, writer
        self._prepared: dict[bytes, str] = {}
        self._statements: list[str] = []
        self._awaited_cut: Cut | None = None

    async def forward(self, server_socket: Path) -> None:
        """Forward in both directions until one side closes the connection, or it is cut."""
        server_reader, server_writer = await asyncio.open_unix_connection(server_socket)
        tasks = {
            asyncio.create_task(self._forward_requests(server_writer)),
            asyncio.create_task(self._forward_responses(server_reader)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in (server_writer, self._client_writer):
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _forward_requests(self, server: asyncio.StreamWriter) -> None:
        code = 0
        while not code or code in _ENCRYPTION_REQUESTS:
            head = await self._client_reader.readexactly(_STARTUP.size)
            length, code = _STARTUP.unpack(head)
            server.write(head + await self._client_reader.readexactly(length - _STARTUP.size))
        while True:
            kind, message = await _read_message(self._client_reader)
            if self._is_commit(kind, message[_HEADER.size :]):
                cut = self._proxy.choose_cut(self._statements)
                if cut is Cut.BEFORE:
                    self._proxy.cuts += 1
                    return
                self._awaited_cut = cut
            server.write(message)
            await server.drain()

    def _is_commit(self, kind: bytes, body: bytes) -> bool:
        """Record the statement that a message executes, if it does. Return whether it is COMMIT."""
        if kind == b"P":
            name, statement, _ = body.split(b"\0", 2)
            self._prepared[name] = statement.decode()
            return False
        if kind == b"Q":
            statement_text = body.partition(b"\0")[0].decode()
        elif kind == b"B":
            statement_text = self._prepared.get(body.split(b"\0", 2)[1], "")
        else:
            return False
        if _COMMIT.match(statement_text):
            return True
        if _NEW_TRANSACTION.match(statement_text):
            self._statements = []
        else:
            self._statements.append(statement_text)
        return False

    async def _forward_responses(self, server: asyncio.StreamReader) -> None:
        # Only an encryption request has a response without a header, and libpq sends none on a Unix socket.
        while True:
            kind, message = await _read_message(server)
            if self._awaited_cut and kind == b"Z":  # ReadyForQuery: the COMMIT is done
                self._proxy.cuts += 1
                return
            if not self._awaited_cut:
                self._client_writer.write(message)
                await self._client_writer.drain()


async def _read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the type of a message, and the whole message."""
    header = await reader.readexactly(_HEADER.size)
    kind, length = _HEADER.unpack(header)
    return kind, header + await reader.readexactly(length - 4)


@contextmanager
def postgres_proxy(server_url: str) -> Iterator[PostgresProxy]:
    """Yield a running proxy before the server of a URL."""
    directory = Path(tempfile.mkdtemp(prefix="pgp-"))
    proxy = PostgresProxy(server_url, directory)
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(proxy.serve(started, stopped)))
    thread.start()
    try:
        assert started.wait(START_TIMEOUT_S)
        yield proxy
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()
        shutil.rmtree(directory)
