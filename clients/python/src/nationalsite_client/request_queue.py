"""The requests that a consumer has still to send on its stream."""

import asyncio
from collections import deque

from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos

_MAX_IDS_PER_REQUEST = 1000


class RequestQueue:
    """Unsent acknowledgements are sent on the next stream. Lease changes end with their stream."""

    def __init__(self) -> None:
        self._acks: deque[str] = deque()
        self._leases: deque[protos.StreamMessagesRequest] = deque()
        self._closed = False
        self._changed = asyncio.Event()

    def ack(self, ack_id: str) -> None:
        """Acknowledge a message, on this stream or the next one."""
        self._acks.append(ack_id)
        self._changed.set()

    def set_lease(self, ack_ids: list[str], lease_s: float) -> None:
        """Make leases of this stream end after the given time. 0 releases the messages."""
        lease = Duration()
        lease.FromNanoseconds(round(lease_s * 1e9))
        for start in range(0, len(ack_ids), _MAX_IDS_PER_REQUEST):
            batch = ack_ids[start : start + _MAX_IDS_PER_REQUEST]
            set_lease = protos.StreamMessagesRequest.SetLease(ack_ids=batch, lease=lease)
            self._leases.append(protos.StreamMessagesRequest(set_lease=set_lease))
        self._changed.set()

    def reset_leases(self) -> None:
        """Drop the lease changes of a stream that has ended."""
        self._leases.clear()

    def close(self) -> None:
        """Accept no more requests; the queued ones are still sent."""
        self._closed = True
        self._changed.set()

    @property
    def is_drained(self) -> bool:
        """Whether the queue is closed and all acknowledgements have been sent."""
        return self._closed and not self._acks

    async def next(self) -> protos.StreamMessagesRequest | None:
        """Wait for the next request; None means that there are no more."""
        while not self._acks and not self._leases:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        if self._acks:
            count = min(len(self._acks), _MAX_IDS_PER_REQUEST)
            ack_ids = [self._acks.popleft() for _ in range(count)]
            return protos.StreamMessagesRequest(ack=protos.StreamMessagesRequest.Ack(ack_ids=ack_ids))
        return self._leases.popleft()
