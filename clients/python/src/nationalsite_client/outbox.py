"""What a consumer is going to say on its stream."""

import asyncio
from collections import deque

from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos

_MOST_IDS = 1000
"""In one request."""


class Outbox:
    """Acknowledgements survive the stream, which gathers them; leases do not: they end with it."""

    def __init__(self) -> None:
        self._acks: deque[str] = deque()
        self._leases: deque[protos.StreamMessagesRequest] = deque()
        self._closed = False
        self._changed = asyncio.Event()

    def ack(self, message_id: str) -> None:
        """Acknowledge a message, on this stream or the next one."""
        self._acks.append(message_id)
        self._changed.set()

    def set_lease(self, message_ids: list[str], lease_s: float) -> None:
        """Let leases of this stream end so much later; 0 gives the messages back."""
        lease = Duration()
        lease.FromNanoseconds(round(lease_s * 1e9))
        for first in range(0, len(message_ids), _MOST_IDS):
            said = protos.StreamMessagesRequest.SetLease(
                message_ids=message_ids[first : first + _MOST_IDS], lease=lease
            )
            self._leases.append(protos.StreamMessagesRequest(set_lease=said))
        self._changed.set()

    def begin(self) -> None:
        """Begin another stream."""
        self._leases.clear()

    def close(self) -> None:
        """Say no more than what is here."""
        self._closed = True
        self._changed.set()

    @property
    def done(self) -> bool:
        """Whether it is closed, and nothing is left that has to be said."""
        return self._closed and not self._acks

    async def next(self) -> protos.StreamMessagesRequest | None:
        """Return what is to be said now; None: no more."""
        while not self._acks and not self._leases:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        if self._acks:
            count = min(len(self._acks), _MOST_IDS)
            ids = [self._acks.popleft() for _ in range(count)]
            return protos.StreamMessagesRequest(ack=protos.StreamMessagesRequest.Ack(message_ids=ids))
        return self._leases.popleft()
