"""A TCP proxy that can be redirected, as a name in DNS, and stop forwarding, as a server that hangs.

It runs in a thread of its own.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

START_TIMEOUT_S = 20
_CHUNK_BYTES = 2**16


class TcpProxy:
    """Forwards connections from a port on 127.0.0.1 to a Unix socket, or to another port there."""

    def __init__(self, target: Path | int) -> None:
        self.target = target
        """Where new connections are forwarded to. Those that exist stay where they are."""
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._is_forwarding = asyncio.Event()
        self._is_forwarding.set()
        self._stopped = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """Accept connections and data, and forward nothing."""
        self._loop.call_soon_threadsafe(self._is_forwarding.clear)

    def thaw(self) -> None:
        """Forward again, also what has arrived meanwhile."""
        self._loop.call_soon_threadsafe(self._is_forwarding.set)

    def run(self, started: threading.Event) -> None:
        """Forward connections until `stop`. Blocks the thread."""
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    def stop(self) -> None:
        """Close every connection and the port."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self, started: threading.Event) -> None:
        async with await asyncio.start_server(self._accept, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await self._stopped.wait()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._forward(reader, writer)
        finally:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._is_forwarding.wait()
        if isinstance(self.target, Path):
            server_reader, server_writer = await asyncio.open_unix_connection(self.target)
        else:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        directions = [
            asyncio.create_task(self._pump(reader, server_writer)),
            asyncio.create_task(self._pump(server_reader, writer)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            server_writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            await self._is_forwarding.wait()
            sink.write(chunk)
            await sink.drain()


@contextmanager
def tcp_proxy(target: Path | int) -> Iterator[TcpProxy]:
    """Yield a running proxy."""
    proxy = TcpProxy(target)
    started = threading.Event()
    thread = threading.Thread(target=proxy.run, args=(started,))
    thread.start()
    try:
        assert started.wait(START_TIMEOUT_S)
        yield proxy
    finally:
        proxy.stop()
        thread.join()
