"""A forward proxy (CONNECT), and a listener that ends TLS: within a test, or as a process of its own.

As a process it runs `python -m tests.support.forward_proxy` with a JSON object as argument, prints its port
as a line of JSON, and then a line for each CONNECT. See `forward_proxy_process`.
"""

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STOP_TIMEOUT_S = 10


@dataclass(kw_only=True)
class ForwardProxy:
    """Tunnels connections. Names are resolved by its own table, so a client cannot connect without it."""

    hosts: Mapping[str, str]
    """host:port that a client asks for -> host:port to connect to."""
    credentials: str = ""
    """user:password that it requires; empty: none."""
    answer: bytes = b""
    """Sent to every CONNECT instead of a tunnel; the connection is then closed."""
    on_connect: Callable[[str], None] = lambda _: None
    targets: list[str] = field(default_factory=list)
    """The targets of all CONNECTs."""

    async def start(self) -> asyncio.Server:
        """Listen on a free port of 127.0.0.1."""
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split(" ", 2)
            assert method == "CONNECT"
            self.targets.append(target)
            self.on_connect(target)
            if self.answer:
                writer.write(self.answer)
            elif not self._is_authorized(head):
                writer.write(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
                    b"Content-Length: 0\r\n\r\n"
                )
            elif target not in self.hosts:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await relay(reader, writer, self.hosts[target])
        writer.close()

    def _is_authorized(self, head: str) -> bool:
        expected = base64.b64encode(self.credentials.encode()).decode()
        return not self.credentials or f"Proxy-Authorization: Basic {expected}\r\n" in head


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
    """Copy both directions of a connection to a new one, until one side ends it."""
    host, port = target.rsplit(":", 1)
    upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
    try:
        copies = [
            asyncio.create_task(_copy(reader, upstream_writer)),
            asyncio.create_task(_copy(upstream_reader, writer)),
        ]
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        for copy in copies:
            copy.cancel()
    finally:
        upstream_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _run(options: dict[str, Any]) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(options["cert"], options["key"])

    async def end_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await relay(reader, writer, options["plain"])
        writer.close()

    listener = await asyncio.start_server(end_tls, "127.0.0.1", 0, ssl=tls)
    target = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    proxy = ForwardProxy(
        hosts={options["host"]: target},
        credentials=options["credentials"],
        on_connect=lambda asked: print(f"CONNECT {asked}", flush=True),
    )
    server = await proxy.start()
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


@contextmanager
def forward_proxy_process(
    *, host: str, plain: str, cert: Path, key: Path, credentials: str = ""
) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """Run a proxy to one https host, which is at `plain` without TLS; yield its port and process."""
    options = {"host": host, "plain": plain, "cert": str(cert), "key": str(key), "credentials": credentials}
    with subprocess.Popen(  # noqa: S603 # our own module
        [sys.executable, "-m", "tests.support.forward_proxy", json.dumps(options)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["port"], process
        finally:
            process.kill()
            process.wait(STOP_TIMEOUT_S)


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
