"""Does for many callers at once what costs much the same for one: a transaction, a sync to disk."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.errors import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Hands what callers bring to one function, which returns a result for each; meanwhile others gather.

    What the function raises is raised to all whose items it had. An item is handed on even when its caller
    leaves.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, together: int, waiting: int
    ) -> None:
        self._work = work
        self._together = together
        self._most_waiting = waiting
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        """Hand on an item with others. Raises StoreUnavailable where too many wait already."""
        if len(self._waiting) >= self._most_waiting:
            raise StoreUnavailable("the store cannot be used now: too many calls wait for it")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work_off())
        return await future

    async def close(self) -> None:
        """Wait until nothing waits."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work_off(self) -> None:
        while self._waiting:
            count = min(self._together, len(self._waiting))
            given = [self._waiting.popleft() for _ in range(count)]
            try:
                results = await self._work([item for item, _ in given])
            except StoreUnavailable as error:
                for _, future in given:
                    if not future.done():
                        future.set_exception(StoreUnavailable(*error.args))  # each adds its own traceback
            except Exception as error:
                for _, future in given:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), result in zip(given, results, strict=True):
                    if not future.done():
                        future.set_result(result)
