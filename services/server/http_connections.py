"""The connections of an HTTP listener: what they may use up, and which are closed to make room for others.

aiohttp has one timeout for connections before their first request and for idle ones. It limits neither the
connections nor the bytes that they hold. So `Connection`, an asyncio protocol, stands between the transport
and aiohttp's protocol.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import cast

from prometheus_client import Counter as MetricCounter

from services.server.counters import remove_one

MAX_HEADER_BYTES = 64 * 2**10
"""Of one request, with its request line."""
_IPV6_HOST_BITS = 64
_READ_BYTES = 64 * 2**10
"""What is read from a connection at a time."""

rejected = MetricCounter(
    "nationalsite_http_rejected",
    "Requests that were rejected, and connections that were closed, because of a limit of an HTTP listener.",
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
    linger_s: float = 1.0
    """How long the rest of a rejected body is read and discarded, before the connection is closed. Otherwise
    the client could get a reset instead of the response."""
    shutdown_timeout_s: float = 1.0
    """How long requests may take after the shutdown has begun. After as long again they are cancelled."""
    max_body_bytes: int = 64 * 2**10
    max_buffered_bytes: int = 16 * 2**20
    """Of all requests that have no response yet, together. With what connections hold that are being closed,
    at most twice as many."""
    max_connections: int = 500
    """If more are opened, the connection that has been idle longest is closed."""
    max_connections_per_address: int = 0
    """Further connections are closed. 0: no limit. A proxy is one address; so is an IPv6 /64 network."""
    max_concurrent_requests: int = 250
    """Complete requests without a response. Further ones get 503. Must be less than max_connections, so that
    some connections are always idle."""


class Connections:
    """The open connections of a listener."""

    def __init__(self, limits: HttpLimits, build_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._limits = limits
        self._build_protocol = build_protocol
        self._by_transport: dict[asyncio.BaseTransport, Connection] = {}
        self._idle: dict[Connection, None] = {}
        """Connections that wait for their client, the one that has waited longest first."""
        self._addresses: Counter[str] = Counter()
        self._buffered_bytes = 0
        self._closing_bytes = 0
        """Of connections that are closed, and end in the next turn of the event loop. Until then aiohttp has
        their requests in memory."""
        self.read_buffer = memoryview(bytearray(_READ_BYTES))
        """Shared by all connections: each copies its data before another one reads."""

    def build_connection(self) -> asyncio.BaseProtocol:
        """Return the protocol of a new connection."""
        return Connection(self, self._limits, self._build_protocol())

    def find(self, transport: asyncio.BaseTransport | None) -> "Connection | None":
        """Return the connection with this transport; None if it is closed."""
        return self._by_transport.get(transport) if transport else None

    @property
    def concurrent_requests(self) -> int:
        """Complete requests that have no response yet."""
        return len(self._by_transport) - len(self._idle)

    def admit(self, connection: "Connection") -> bool:
        """Add a new connection; at the limit, close the longest idle one. Return False to reject it."""
        limit = self._limits.max_connections_per_address
        if limit and self._addresses[connection.address] >= limit:
            rejected.labels("address_limit").inc()
            return False
        if len(self._by_transport) >= self._limits.max_connections:
            rejected.labels("connection_limit").inc()
            longest_idle = next(iter(self._idle), None)
            if longest_idle is None:
                return False
            longest_idle.close()
        self._by_transport[connection.transport] = connection
        self._addresses[connection.address] += 1
        return True

    def remove(self, connection: "Connection") -> None:
        """Remove a connection. Does nothing if it is not there."""
        if self._by_transport.pop(connection.transport, None) is None:
            return
        self._idle.pop(connection, None)
        remove_one(self._addresses, connection.address)

    def set_idle(self, connection: "Connection", *, is_idle: bool) -> None:
        """Add a connection to the idle ones, as the last one, or remove it from them."""
        self._idle.pop(connection, None)
        if is_idle:
            self._idle[connection] = None

    def make_room(self, count: int) -> bool:
        """Return whether a connection may hold `count` more bytes.

        If there are too many, connections that wait for the rest of a request are closed.
        """
        limit = self._limits.max_buffered_bytes
        while self._buffered_bytes + count > limit:
            holder = next((each for each in self._idle if each.buffered_bytes), None)
            if holder is None:
                break
            rejected.labels("buffer_limit").inc()
            holder.close()
        return self._buffered_bytes + self._closing_bytes + count <= 2 * limit

    def add_bytes(self, count: int) -> None:
        """Count bytes that a connection holds, or, if negative, no longer holds."""
        self._buffered_bytes += count

    def add_closing_bytes(self, count: int) -> None:
        """Count bytes of a connection that is closed, or, if negative, has ended."""
        self._closing_bytes += count


class Connection(asyncio.BufferedProtocol):
    """One connection. It passes everything on to aiohttp's protocol."""

    def __init__(self, connections: Connections, limits: HttpLimits, http: asyncio.Protocol) -> None:
        self._connections = connections
        self._limits = limits
        self._http = http
        self._loop = asyncio.get_running_loop()
        self._deadline: float | None = None
        """When the connection is closed, by the event loop's clock; None: no deadline."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_end = 0.0
        self._is_admitted = False
        self._awaits_request = False
        """It has had a request, and no byte of the next one has arrived."""
        self._is_closing = False
        """It is closed after the present response. What arrives until then is discarded."""
        self.transport: asyncio.Transport
        self.address = ""
        self.buffered_bytes = 0
        self._closing_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting for the first request, or close the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self.address = _to_address(transport.get_extra_info("peername"))
        self._is_admitted = self._connections.admit(self)
        if not self._is_admitted:
            self.transport.abort()
            return
        self._connections.set_idle(self, is_idle=True)
        self._set_deadline(self._limits.header_timeout_s)
        self._http.connection_made(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the transport puts what it reads next."""
        return self._connections.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass data on, unless a limit is exceeded."""
        if not self._is_closing:
            if self._awaits_request:
                self._awaits_request = False
                self._set_deadline(self._limits.header_timeout_s)
            if self.buffered_bytes > MAX_HEADER_BYTES + self._limits.max_body_bytes:
                rejected.labels("request_too_large").inc()
                self.close()
            elif not self._connections.make_room(nbytes):
                rejected.labels("buffer_limit").inc()
                self.close()
            elif not self.transport.is_closing():  # make_room may have closed this connection
                self.buffered_bytes += nbytes
                self._connections.add_bytes(nbytes)
        if not self.transport.is_closing():
            self._http.data_received(bytes(self._connections.read_buffer[:nbytes]))

    def begin_body(self) -> None:
        """The headers have arrived."""
        self._deadline = None
        self._connections.set_idle(self, is_idle=True)

    def begin_request(self) -> None:
        """The request is complete, and is handled now."""
        self._connections.set_idle(self, is_idle=False)

    def end_request(self, *, will_close: bool) -> None:
        """The request has its response, after which the connection waits for the next one or is closed."""
        if self._connections.find(self.transport) is not self:
            return
        self._release_bytes()
        self._connections.set_idle(self, is_idle=True)
        self._awaits_request = True
        self._is_closing = will_close
        self._set_deadline(self._limits.header_timeout_s if will_close else self._limits.idle_timeout_s)

    def close(self) -> None:
        """Close the connection at once."""
        self._closing_bytes += self.buffered_bytes
        self._connections.add_closing_bytes(self.buffered_bytes)
        self._end()
        self.transport.abort()

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._http.eof_received() if self._is_admitted else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        self._end()
        self._connections.add_closing_bytes(-self._closing_bytes)
        if self._is_admitted:
            self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._http.resume_writing()

    def _set_deadline(self, delay_s: float) -> None:
        """Close the connection after this time, unless the deadline is changed before.

        A timer that ends earlier stays, and `_on_timer` then sets one for the deadline: most deadlines are
        replaced within milliseconds.
        """
        self._deadline = self._loop.time() + delay_s
        if self._timer is None or self._timer_end > self._deadline:
            self._start_timer(self._deadline)

    def _start_timer(self, end_time: float) -> None:
        self._stop_timer()
        self._timer_end = end_time
        self._timer = self._loop.call_at(end_time, self._on_timer)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._start_timer(self._deadline)
            return
        if not self._awaits_request:
            rejected.labels("header_timeout").inc()
        self.close()

    def _release_bytes(self) -> None:
        self._connections.add_bytes(-self.buffered_bytes)
        self.buffered_bytes = 0

    def _end(self) -> None:
        self._stop_timer()
        self._release_bytes()
        self._connections.remove(self)


def _to_address(peer: object) -> str:
    """Return the client's IP address; of an IPv6 address its network, all of which one client may have."""
    host = str(peer[0]) if isinstance(peer, tuple) else ""
    if ":" not in host:
        return host
    number = int(IPv6Address(host.partition("%")[0]))
    return str(IPv6Address(number >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))
