"""Batches the items of concurrent callers, so that they share one transaction and one sync to disk."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.errors import StoreUnavailable
from services.store.database.db_errors import copy_error

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Passes items in batches to one function, which returns a result for each.

    Items that arrive while the function runs wait for the next batch. An exception of the function is raised
    to every caller of the batch. An item is processed even if its caller is cancelled.
    """

    def __init__(
        self,
        process: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        batch_size: int,
        max_pending: int,
    ) -> None:
        self._process = process
        self._batch_size = batch_size
        self._max_pending = max_pending
        self._pending: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Process an item in the next batch. Raises StoreUnavailable if too many are pending."""
        if len(self._pending) >= self._max_pending:
            raise StoreUnavailable("the store cannot be used now: too many calls wait for it")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._pending.append((item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._process_pending())
        return await future

    async def close(self) -> None:
        """Wait until nothing is pending."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def _process_pending(self) -> None:
        while self._pending:
            batch = [self._pending.popleft() for _ in range(min(self._batch_size, len(self._pending)))]
            try:
                results = await self._process([item for item, _ in batch])
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(copy_error(error))
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)
