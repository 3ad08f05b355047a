"""The limit of streams: a stream lasts, so a caller could open them until nothing is left for others."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.errors import StreamLimit
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.counters import remove_one
from services.server.settings import ServerSettings


class OpenStreams:
    """The open streams of a server, by caller and by connection."""

    def __init__(self, settings: ServerSettings) -> None:
        self._per_caller = settings.max_streams_per_caller
        self._per_connection = settings.max_streams_per_connection
        self._callers: dict[str, int] = {}
        self._connections: dict[str, int] = {}

    @contextmanager
    def count(self, caller: str, peer: str) -> Iterator[None]:
        """Count a stream while the context is open. Raises StreamLimit.

        `peer` is the address of the other end of the connection, with its port.
        """
        if self._callers.get(caller, 0) >= self._per_caller:
            raise StreamLimit("too many streams of this caller are open", streams_per_caller=self._per_caller)
        if self._connections.get(peer, 0) >= self._per_connection:
            raise StreamLimit(
                "too many streams are open on this connection", streams_per_connection=self._per_connection
            )
        counters = ((self._callers, caller), (self._connections, peer))
        for counter, key in counters:
            counter[key] = counter.get(key, 0) + 1
        try:
            yield
        finally:
            for counter, key in counters:
                remove_one(counter, key)


class StreamLimitInterceptor:
    """Rejects a stream if too many of its caller or of its connection are open."""

    def __init__(self, open_streams: OpenStreams) -> None:
        self._open_streams = open_streams

    @classmethod
    def for_method(cls, method: MethodInfo, *, open_streams: OpenStreams) -> "StreamLimitInterceptor | None":
        """Return None if the method does not stream."""
        return cls(open_streams) if method.is_streaming else None

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise StreamLimit."""
        with self._open_streams.count(call.limited_caller, call.grpc_context.peer()):
            return await call_next(call)
