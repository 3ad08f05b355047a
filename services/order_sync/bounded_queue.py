"""A queue between the tasks of a stream, bounded by the number and by the size of its items."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """Items count against the bounds until the work on them is done, not only until they are taken."""

    def __init__(self, size_of: Callable[[T], int], *, max_items: int, max_bytes: int) -> None:
        self._size_of = size_of
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._waiting: deque[tuple[T, int]] = deque()
        self._taken: Sequence[tuple[T, int]] = ()
        self._has_ended = False
        self._freed, self._added = asyncio.Event(), asyncio.Event()
        self.items = 0
        self.size_bytes = 0
        """Number and size of the items that are not done."""

    async def put(self, item: T) -> None:
        """Add an item when the bounds allow it. One that is larger than `max_bytes` waits for an empty queue.

        After the end, items are dropped.
        """
        size = self._size_of(item)
        while not self._has_ended and not self._has_capacity(size):
            self._freed.clear()
            await self._freed.wait()
        if not self._has_ended:
            self._waiting.append((item, size))
            self.items += 1
            self.size_bytes += size
            self._added.set()

    def end(self) -> None:
        """Take no more items. Those that wait can still be taken."""
        self._has_ended = True
        self._freed.set()
        self._added.set()

    async def take(self, limit: int, *, wanted: int = 1, linger_s: float = 0) -> Sequence[T]:
        """Return up to `limit` items as soon as there is one; none at the end.

        If fewer than `wanted` wait, allow `linger_s` for others to arrive. The work on the items taken before
        is then done.
        """
        self.items -= len(self._taken)
        self.size_bytes -= sum(size for _, size in self._taken)
        self._taken = ()
        self._freed.set()
        await self._wait_for(1)
        if len(self._waiting) < wanted:
            with suppress(TimeoutError):
                async with asyncio.timeout(linger_s):
                    await self._wait_for(wanted)
        self._taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        return [item for item, _ in self._taken]

    async def join(self) -> None:
        """Wait until the work on all items is done, or the queue has ended."""
        while self.items and not self._has_ended:
            self._freed.clear()
            await self._freed.wait()

    async def _wait_for(self, count: int) -> None:
        while len(self._waiting) < count and not self._has_ended:
            self._added.clear()
            await self._added.wait()

    def _has_capacity(self, size: int) -> bool:
        if not self.items:
            return True
        return self.items < self._max_items and self.size_bytes + size <= self._max_bytes
