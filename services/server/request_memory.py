"""The memory of requests: how many may arrive and be held at the same time, and whose turn it is.

gRPC does not say how large a request is before it has arrived, and its limit is that of the largest RPC of
the service. So while a request arrives, it counts with that size; then, until its call ends, with its own.
"""

from collections.abc import Hashable
from types import TracebackType

from services.errors import DeadlineExceeded, Overloaded
from services.fair_queue import FairSlots, QueueFull

BUDGET_BYTES = 128 * 2**20
"""Of all requests together. They are copied: an image is in memory twice while it is sent, and up to four
times while it is received, parsed and validated, which happens to one request at a time."""
MAX_WAITING = 500
"""Requests of one caller that wait to be read. Each takes about 85 KiB: its call, and an HTTP/2 window."""


class RequestMemory:
    """Counts the requests that arrive and those that are held. One caller gets at most half of the memory.

    So a caller that sends slowly, and thereby keeps what is reserved for its requests, leaves the other half.
    """

    def __init__(self, max_request_bytes: int) -> None:
        """`max_request_bytes`: the largest message that gRPC accepts."""
        self._max_request_bytes = max_request_bytes
        slots = max(BUDGET_BYTES // max_request_bytes, 2)
        self._total = _Memory(slots, max_request_bytes)
        self._slots_of_caller = slots // 2
        self._callers: dict[Hashable, _Memory] = {}
        """Only of callers that have calls."""

    def reserve(self, caller: Hashable, deadline: float) -> "Reservation":
        """Return the reservation of a call: a context that begins when the request may be read.

        `deadline` is a time of the event loop.
        """
        return Reservation(self, caller, deadline)

    @property
    def callers(self) -> int:
        """The number of callers that have reservations, or wait for one."""
        return len(self._callers)

    async def acquire(self, caller: Hashable, deadline: float) -> None:
        """Wait until a request of the caller may be read. Raises Overloaded and DeadlineExceeded."""
        memory = self._callers.get(caller)
        if memory is None:
            memory = self._callers[caller] = _Memory(self._slots_of_caller, self._max_request_bytes)
        memory.calls += 1
        try:
            if not memory.try_acquire():
                await memory.wait(caller, deadline)
            try:
                if not self._total.try_acquire():
                    await self._total.wait(caller, deadline)
            except BaseException:
                memory.keep(0)
                raise
        except BaseException:
            self._end_call(caller)
            raise

    def keep(self, caller: Hashable, size: int) -> None:
        """Reduce the reservation of an arriving request to the bytes that it has."""
        self._callers[caller].keep(size)
        self._total.keep(size)

    def release(self, caller: Hashable, size: int) -> None:
        """End the reservation of a request, which was reduced to these bytes."""
        self._callers[caller].release(size)
        self._total.release(size)
        self._end_call(caller)

    def _end_call(self, caller: Hashable) -> None:
        memory = self._callers[caller]
        memory.calls -= 1
        if not memory.calls:
            del self._callers[caller]


class Reservation:
    """The memory of one request."""

    __slots__ = ("_caller", "_deadline", "_is_arriving", "_memory", "_size")

    def __init__(self, memory: RequestMemory, caller: Hashable, deadline: float) -> None:
        self._memory, self._caller, self._deadline = memory, caller, deadline
        self._is_arriving, self._size = True, 0

    async def __aenter__(self) -> "Reservation":
        """Wait until the request may be read. Raises Overloaded and DeadlineExceeded."""
        await self._memory.acquire(self._caller, self._deadline)
        return self

    def keep(self, size: int) -> None:
        """Reduce the reservation to the size of the request, which has arrived."""
        self._is_arriving, self._size = False, size
        self._memory.keep(self._caller, size)

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._is_arriving:
            self.keep(0)
        self._memory.release(self._caller, self._size)


class _Memory:
    """Memory in slots of the largest request. An arriving one has a slot; those that are held share some."""

    __slots__ = ("_held_bytes", "_slot_bytes", "_slots", "calls", "try_acquire")

    def __init__(self, slots: int, slot_bytes: int) -> None:
        self._slots = FairSlots(slots, max_waiting=MAX_WAITING)
        self.try_acquire = self._slots.try_acquire
        self._slot_bytes = slot_bytes
        self._held_bytes = 0
        self.calls = 0
        """The number of calls that use this memory, or wait for it."""

    async def wait(self, owner: Hashable, deadline: float) -> None:
        """Wait for a slot, if none is free. Raises Overloaded and DeadlineExceeded."""
        try:
            await self._slots.acquire(owner, deadline)
        except QueueFull:
            raise Overloaded(
                "too many requests wait to be read, and the most of them are of this caller"
            ) from None
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed before the request was read") from None

    def keep(self, size: int) -> None:
        """Release the slot of an arriving request, unless the bytes that are now held need it."""
        needed = self._held_bytes // self._slot_bytes
        self._held_bytes += size
        if self._held_bytes // self._slot_bytes == needed:
            self._slots.release()

    def release(self, size: int) -> None:
        """Release the slot that the bytes which are still held no longer need, if there is one."""
        needed = self._held_bytes // self._slot_bytes
        self._held_bytes -= size
        if self._held_bytes // self._slot_bytes < needed:
            self._slots.release()
