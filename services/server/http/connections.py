"""What the connections of a listener may use up together, and which are closed to make room for others."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Protocol

from prometheus_client import Counter as MetricCounter

from services.server.counters import remove_one

_IPV6_HOST_BITS = 64
READ_BYTES = 64 * 2**10
"""What is read from a connection at a time, at most."""

rejected = MetricCounter(
    "nationalsite_http_rejected",
    "Requests of an HTTP listener that were rejected, and connections that it closed because of a limit.",
    ("reason",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What the clients of one listener may use up."""

    header_timeout_s: float = 5.0
    """For the headers of a request: since the connection was opened, or since their first byte."""
    body_timeout_s: float = 10.0
    """For the complete body, since the end of the headers."""
    idle_timeout_s: float = 75.0
    """From a response to the next request. Proxies close idle connections after 60 s by default. If the
    server closed first, it could do so while the proxy sends a request."""
    linger_s: float = 5.0
    """How long a connection may stay open after its last response: for the client to read it, and to finish
    sending a rejected request, which is discarded."""
    shutdown_timeout_s: float = 1.0
    """How long requests may take after the shutdown has begun. Then they are cancelled. Their responses may
    take as long again until the clients have read them."""
    max_header_bytes: int = 64 * 2**10
    """Of one request: its target, its headers and its trailers."""
    max_body_bytes: int = 64 * 2**10
    max_buffered_bytes: int = 16 * 2**20
    """Of all requests of open connections that have no response yet, together."""
    max_connections: int = 500
    """If more are opened, the connection that has been idle longest is closed."""
    max_connections_per_address: int = 0
    """Further connections are closed. 0: no limit. A proxy is one address; so is an IPv6 /64 network."""
    max_concurrent_requests: int = 250
    """Requests that are being handled. Further ones get 503. Must be less than max_connections, so that
    some connections are always idle."""


class OpenConnection(Protocol):
    """What `Connections` needs of a connection."""

    address: str
    """That of the client, from `to_address`."""
    buffered_bytes: int
    """What the client has sent of requests that have no response yet."""

    def close(self) -> None:
        """Close the connection at once, and call `Connections.remove`."""

    def end(self) -> None:
        """Close the connection when all responses are sent, and then call `Connections.remove`."""


class Connections:
    """The open connections of a listener."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._open: set[OpenConnection] = set()
        self._idle: dict[OpenConnection, None] = {}
        """Connections that wait for their client, the one that has waited longest first."""
        self._addresses: Counter[str] = Counter()
        self._buffered_bytes = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self.concurrent_requests = 0
        """Requests that are being handled, also those whose connection is closed."""
        self.is_stopping = False
        """Whether the shutdown has begun: the next response of each connection is its last one."""
        self.read_buffer = memoryview(bytearray(READ_BYTES))
        """Shared by all connections: each parses its data before another one reads."""

    def admit(self, connection: OpenConnection) -> bool:
        """Add a new connection; at the limit, close the longest idle one. Return False to reject it."""
        limit = self._limits.max_connections_per_address
        if limit and self._addresses[connection.address] >= limit:
            rejected.labels("address_limit").inc()
            return False
        if len(self._open) >= self._limits.max_connections:
            rejected.labels("connection_limit").inc()
            longest_idle = next(iter(self._idle), None)
            if longest_idle is None:
                return False
            longest_idle.close()
        self._open.add(connection)
        self._is_empty.clear()
        self._idle[connection] = None
        self._addresses[connection.address] += 1
        return True

    def remove(self, connection: OpenConnection) -> None:
        """Remove a connection. Does nothing if it is not there."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        self._idle.pop(connection, None)
        self._buffered_bytes -= connection.buffered_bytes
        remove_one(self._addresses, connection.address)
        if not self._open:
            self._is_empty.set()

    def set_idle(self, connection: OpenConnection, *, is_idle: bool) -> None:
        """Add a connection to the idle ones, as the last one, or remove it from them."""
        self._idle.pop(connection, None)
        if is_idle and connection in self._open:
            self._idle[connection] = None

    def set_bytes(self, connection: OpenConnection, count: int) -> None:
        """Set what a connection holds."""
        self._buffered_bytes += count - connection.buffered_bytes
        connection.buffered_bytes = count

    def make_room(self, count: int) -> bool:
        """Return whether a connection may hold `count` more bytes.

        If there are too many, connections that wait for the rest of a request are closed. Returns False if
        that is not enough.
        """
        while self._buffered_bytes + count > self._limits.max_buffered_bytes:
            holder = next((each for each in self._idle if each.buffered_bytes), None)
            if holder is None:
                return False
            rejected.labels("buffer_limit").inc()
            holder.close()
        return True

    def end_idle(self) -> None:
        """End the connections that wait for their client."""
        for connection in list(self._idle):
            connection.end()

    async def wait_until_empty(self) -> None:
        """Wait until all connections are closed."""
        await self._is_empty.wait()

    def close(self) -> None:
        """Close all connections at once."""
        for connection in list(self._open):
            connection.close()


def to_address(peer: object) -> str:
    """Return the client's IP address; of an IPv6 address its network, all of which one client may have."""
    host = str(peer[0]) if isinstance(peer, tuple) else ""
    if ":" not in host:
        return host
    address = IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:  # of a listener for both
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))
