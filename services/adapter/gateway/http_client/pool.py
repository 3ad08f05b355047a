"""The connections of the client: those in use, and those that are kept for the next request."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from services.adapter.gateway.http_client.connection import HttpConnection
from services.adapter.gateway.http_client.request import Origin
from services.fair_queue import FairSlots


class ConnectionPool:
    """Lends connections. The one that was used last is used next, so that those not needed become old."""

    def __init__(
        self, connect: Callable[[Origin], Awaitable[HttpConnection]], *, max_in_use: int, max_idle_s: float
    ) -> None:
        """Needs a running loop. A connection that was not used for `max_idle_s` is closed."""
        self._connect = connect
        self._slots = FairSlots(max_in_use, max_waiting=sys.maxsize)
        self._max_idle_s = max_idle_s
        self._loop = asyncio.get_running_loop()
        self._idle: dict[Origin, list[HttpConnection]] = {}
        """By origin, the one that was used last at the end."""
        self._cleanup: asyncio.TimerHandle | None = None
        """Set while there are idle connections."""

    @property
    def in_use(self) -> int:
        """The number of connections that are lent or being opened."""
        return self._slots.held

    @property
    def idle(self) -> list[HttpConnection]:
        """The connections that wait for a request."""
        return [connection for connections in self._idle.values() for connection in connections]

    async def acquire(self, origin: Origin, timeout_s: float) -> HttpConnection:
        """Return an idle connection, or open one. `release` takes it back.

        Raises TimeoutError, also if too many connections are in use, and what `connect` raises.
        """
        has_slot = self._slots.try_acquire()
        if has_slot and (connection := self._take_idle(origin)) is not None:
            return connection
        try:
            async with asyncio.timeout(timeout_s):
                if not has_slot:
                    await self._slots.wait(None)
                    has_slot = True
                return self._take_idle(origin) or await self._connect(origin)
        except BaseException:
            if has_slot:
                self._slots.release()
            raise

    def release(self, origin: Origin, connection: HttpConnection) -> None:
        """Take a connection back. It is closed unless its last response was complete."""
        self._slots.release()
        if not connection.is_reusable:
            connection.close()
            return
        connection.idle_since = self._loop.time()
        self._idle.setdefault(origin, []).append(connection)
        if self._cleanup is None:
            self._cleanup = self._loop.call_later(self._max_idle_s, self._close_old)

    def close(self) -> None:
        """Close the idle connections."""
        if self._cleanup is not None:
            self._cleanup.cancel()
        for connection in self.idle:
            connection.close()
        self._idle.clear()

    def _take_idle(self, origin: Origin) -> HttpConnection | None:
        connections = self._idle.get(origin, ())
        oldest = self._loop.time() - self._max_idle_s
        while connections:
            connection = connections.pop()
            if connection.is_reusable and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    def _close_old(self) -> None:
        """Close the connections that are idle for too long; do it again when the next one is."""
        oldest = self._loop.time() - self._max_idle_s
        for origin, connections in list(self._idle.items()):
            for connection in connections:
                if connection.idle_since <= oldest:
                    connection.close()
            kept = self._idle[origin] = [each for each in connections if each.is_reusable]
            if not kept:
                del self._idle[origin]
        idle = self.idle
        self._cleanup = None
        if idle:
            next_at = min(connection.idle_since for connection in idle) + self._max_idle_s
            self._cleanup = self._loop.call_at(next_at, self._close_old)
