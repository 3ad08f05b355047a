"""Opens connections: name resolution, TCP, a tunnel through a forward proxy, TLS."""

import asyncio
import socket
import ssl
from contextvars import Context
from functools import partial
from typing import Any

import aiohappyeyeballs
import httptools

from services.adapter.gateway.http_client.connection import MAX_HEAD_BYTES, HttpConnection
from services.adapter.gateway.http_client.request import Origin
from services.adapter.gateway.proxy import Proxy

ADDRESSES_TTL_S = 10.0
"""How long the addresses of a host are used again."""
NEXT_ADDRESS_DELAY_S = 0.25
"""If there is no connection after this time, the next address of the host is tried too (RFC 8305)."""


class ProxyUnreachable(Exception):
    """There is no connection to the proxy."""


class TunnelRefused(Exception):
    """The proxy does not connect to the server."""

    def __init__(self, status: int | None) -> None:
        super().__init__()
        self.status = status
        """None: what it sent is no HTTP response."""


class Connector:
    """Opens connections, through a proxy if there is one."""

    def __init__(self, tls: ssl.SSLContext, proxy: Proxy | None) -> None:
        """Needs a running loop."""
        self._tls = tls
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._resolver = _Resolver(self._loop)

    async def connect(self, origin: Origin) -> HttpConnection:
        """Open a connection; verify the server's certificate if it has TLS.

        Raises OSError; ProxyUnreachable and TunnelRefused if there is a proxy. A cancellation closes what is
        open.
        """
        sock = await self._open_socket(origin)
        _, connection = await self._loop.create_connection(
            partial(HttpConnection, self._loop),
            sock=sock,  # closed by the loop if it fails
            ssl=self._tls if origin.is_tls else None,
            # A dot at the end is for the resolver only: certificates have none.
            server_hostname=origin.host.removesuffix(".") if origin.is_tls else None,
        )
        return connection

    async def _open_socket(self, origin: Origin) -> socket.socket:
        if self._proxy is None:
            return await self._connect_socket(origin.host, origin.port)
        try:
            sock = await self._connect_socket(self._proxy.url.host or "", self._proxy.url.port or 0)
        except OSError as error:
            raise ProxyUnreachable from error
        try:
            await self._open_tunnel(sock, origin, self._proxy)
        except BaseException:
            sock.close()
            raise
        return sock

    async def _connect_socket(self, host: str, port: int) -> socket.socket:
        addresses = await self._resolver.resolve(host, port)
        sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_DELAY_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    async def _open_tunnel(self, sock: socket.socket, origin: Origin, proxy: Proxy) -> None:
        """Ask the proxy for a tunnel. Raises TunnelRefused, also if it sends more than a head."""
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        headers = {"Host": f"{host}:{origin.port}", **proxy.headers}
        lines = [f"CONNECT {host}:{origin.port} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self._loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode("ascii"))
        received = b""
        while b"\r\n\r\n" not in received and len(received) < MAX_HEAD_BYTES:
            try:
                data = await self._loop.sock_recv(sock, MAX_HEAD_BYTES)
            except OSError as error:
                raise TunnelRefused(None) from error
            if not data:
                break
            received += data
        head, end, rest = received.partition(b"\r\n\r\n")
        status = _parse_status(head + end)
        if status != 200 or rest:
            raise TunnelRefused(status if status != 200 else None)


def _parse_status(head: bytes) -> int | None:
    """Return the status of a complete head of a response; None if it is none."""

    class Status:
        value: int | None = None

        def on_headers_complete(self) -> None:
            self.value = parser.get_status_code()

    status = Status()
    parser = httptools.HttpResponseParser(status)
    try:
        parser.feed_data(head)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    return status.value


class _Resolver:
    """Resolves the names of hosts. Connections that are opened at the same time share a lookup."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lookups: dict[tuple[str, int], asyncio.Task[None]] = {}
        """The lookups in progress."""
        self._expires_at: dict[tuple[str, int], float] = {}
        self._addresses: dict[tuple[str, int], list[Any]] = {}

    async def resolve(self, host: str, port: int) -> list[Any]:
        """Return the addresses of a host, in turn: each call begins with another one. Raises OSError.

        A lookup goes on if nobody waits for it any more. It can take longer than all its callers wait: if the
        first name server is down, the C library asks the next one after 5 s.
        """
        key = (host, port)
        if self._expires_at.get(key, 0.0) <= self._loop.time():
            if key not in self._lookups:
                # In an empty context: it is not work of the call that comes first.
                self._lookups[key] = self._loop.create_task(self._lookup(host, port), context=Context())
            await asyncio.shield(self._lookups[key])
        addresses = self._addresses[key]
        addresses.append(addresses.pop(0))
        return list(addresses)

    async def _lookup(self, host: str, port: int) -> None:
        key = (host, port)
        try:
            self._addresses[key] = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self._expires_at[key] = self._loop.time() + ADDRESSES_TTL_S
        except UnicodeError as error:  # a label of the name is too long
            raise socket.gaierror(str(error)) from error
        finally:
            del self._lookups[key]
