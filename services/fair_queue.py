"""Fair queues: the owners of waiting items take turns, however many items each of them has.

An owner is usually the identity of a caller, so that more connections give a caller no more turns. Only
owners with waiting items have state.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class FairQueue(Generic[Item]):
    """Items of several owners. Owners take turns; the items of one owner keep their order.

    So at most one item of each other owner is taken before the first item of an owner.
    """

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._queues: OrderedDict[Hashable, OrderedDict[Item, None]] = OrderedDict()
        """The items of each owner, the owner whose turn is next first. No queue is empty."""
        self._size = 0

    def __len__(self) -> int:
        """Return the number of items."""
        return self._size

    def __iter__(self) -> Iterator[Item]:
        """Iterate over the items in the order in which they would be taken."""
        queues = deque(iter(items) for items in self._queues.values())
        while queues:
            items = queues.popleft()
            with suppress(StopIteration):
                yield next(items)
                queues.append(items)

    @property
    def owner_count(self) -> int:
        """The number of owners that have items."""
        return len(self._queues)

    def count(self, owner: Hashable) -> int:
        """Return the number of items of an owner."""
        return len(self._queues.get(owner, ()))

    @property
    def max_per_owner(self) -> int:
        """The number of items of the owner with the most items."""
        return max(map(len, self._queues.values()), default=0)

    def count_ahead(self, owner: Hashable) -> int:
        """Return how many of the items would be taken before the next item that the owner adds."""
        turns = self.count(owner) + 1
        return sum(
            min(len(items), turns if other != owner else turns - 1) for other, items in self._queues.items()
        )

    def oldest(self, owner: Hashable) -> Item | None:
        """Return the item of an owner that is taken first; None if it has no item."""
        return next(iter(self._queues.get(owner, ())), None)

    def add(self, owner: Hashable, item: Item) -> Item | None:
        """Add an item. If the queue is full, remove and return the newest item of the owner with the most.

        If no other owner has more items than this one would have, the new item is not added, but returned.
        """
        dropped = None
        if self._size >= self._max_items:
            if self.max_per_owner <= self.count(owner) + 1:
                return item
            largest_owner = max(self._queues, key=self.count)
            dropped = next(reversed(self._queues[largest_owner]))
            self.remove(largest_owner, dropped)
        self._queues.setdefault(owner, OrderedDict())[item] = None
        self._size += 1
        return dropped

    def first(self) -> tuple[Hashable, Item]:
        """Return the item whose turn is next, with its owner. The queue must not be empty."""
        owner, items = next(iter(self._queues.items()))
        return owner, next(iter(items))

    def take(self) -> tuple[Hashable, Item]:
        """Remove and return the item whose turn is next, with its owner. The queue must not be empty."""
        owner, item = self.first()
        self._queues.move_to_end(owner)
        self.remove(owner, item)
        return owner, item

    def remove(self, owner: Hashable, item: Item) -> None:
        """Remove an item, if it is in the queue. Its owner keeps its turn."""
        items = self._queues.get(owner)
        if items is None or item not in items:
            return
        del items[item]
        self._size -= 1
        if not items:
            del self._queues[owner]


class QueueFull(Exception):
    """The queue is full, and the owner of this work has the most items in it."""


@dataclass(slots=True, eq=False)
class Waiter:
    """Work that waits for a slot."""

    owner: Hashable
    queued_at: float
    """In the loop's time."""
    slot: "asyncio.Future[None]"
    """Gets a result when the work has the slot, or an exception when it is refused."""


class FairSlots:
    """A number of slots. The owners that wait for a slot take turns."""

    def __init__(
        self, slots: int, *, max_waiting: int, refuse: Callable[[Waiter], Exception | None] | None = None
    ) -> None:
        """`refuse` is called at the turn of a waiter. The waiter gets the error it returns, or the slot."""
        self._slots = self._free = slots
        self._refuse = refuse
        self.waiting: FairQueue[Waiter] = FairQueue(max_waiting)

    @property
    def held(self) -> int:
        """The number of slots that are held."""
        return self._slots - self._free

    @asynccontextmanager
    async def hold(self, owner: Hashable) -> AsyncIterator[None]:
        """Hold a slot while the context is open. Raises QueueFull."""
        await self.acquire(owner)
        try:
            yield
        finally:
            self.release()

    async def acquire(self, owner: Hashable, deadline: float | None = None) -> None:
        """Take a slot, or wait for one until a time of the event loop. Raises TimeoutError and QueueFull."""
        if not self.try_acquire():
            async with asyncio.timeout_at(deadline):
                await self.wait(owner)

    def try_acquire(self) -> bool:
        """Take a slot if one is free; work waits only while none is. Return whether it was."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self, owner: Hashable) -> None:
        """Wait for a slot. Call it only after `try_acquire` returned False: until then, nobody passes one on.

        Raises QueueFull, and what `refuse` returns.
        """
        loop = asyncio.get_running_loop()
        waiter = Waiter(owner, loop.time(), loop.create_future())
        dropped = self.waiting.add(owner, waiter)
        if dropped is not None and not dropped.slot.done():
            dropped.slot.set_exception(QueueFull())
        try:
            await waiter.slot
        except BaseException:
            self._give_up(waiter)
            raise

    def release(self) -> None:
        """Give a slot back. It passes to the waiter whose turn it is; without one it is free."""
        while self.waiting:
            owner, waiter = self.waiting.first()
            if waiter.slot.done():  # cancelled, and not yet removed: its owner keeps the turn
                self.waiting.remove(owner, waiter)
                continue
            self.waiting.take()
            reason = self._refuse(waiter) if self._refuse else None
            if reason is None:
                waiter.slot.set_result(None)
                return
            waiter.slot.set_exception(reason)
        self._free += 1

    def _give_up(self, waiter: Waiter) -> None:
        """Remove a waiter that stops waiting; pass its slot on if it had just got one."""
        if waiter.slot.done() and not waiter.slot.cancelled() and waiter.slot.exception() is None:
            self.release()
        else:
            self.waiting.remove(waiter.owner, waiter)
