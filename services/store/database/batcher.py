"""Batches the items of concurrent callers, so that they share one transaction and one flush to disk."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.caller import current_queue_owner
from services.errors import StoreUnavailable
from services.fair_queue import FairQueue
from services.store.database.db_errors import copy_error, reject_waiter, translate_db_errors

Item = TypeVar("Item")
Result = TypeVar("Result")

LINGER_S = 0.002
"""How long a batch waits for as many items as the last one had."""
ARRIVAL_TIMEOUT_S = 0.004
"""Maximum of a second wait, of a batch of several items. It ends before that after `IDLE_TURNS`."""
IDLE_TURNS = 100
"""Turns of the event loop without a new item: 0.1 ms if the event loop has nothing else to do. A timer would
take longer: those of uvloop have a resolution of 1 ms, as its clock has."""


@dataclass(slots=True, eq=False)
class _Pending(Generic[Item, Result]):
    item: Item
    future: asyncio.Future[Result]


class Batcher(Generic[Item, Result]):
    """Passes items in batches to one function, which returns a result for each item.

    A result that is an exception is raised to the item's caller. Items that arrive while the function runs
    wait for the next batch, for which callers take turns. An item is processed even if its caller is
    cancelled.

    Callers that got their results together often call again together. Without a short wait, the first of them
    would have a transaction of its own, and the others would wait for it. While the event loop is busy,
    further calls have arrived that have not reached `submit`. A batch of several items waits for these, too,
    because a transaction costs as much CPU as several calls.

    If the function raises StoreUnavailable, every caller of the batch gets it. After any other exception,
    each item of the batch is processed alone, so that an item that cannot be stored fails only its caller.
    """

    def __init__(
        self,
        process: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        batch_size: int,
        max_pending: int,
        timeout_s: float,
    ) -> None:
        """`process` must leave nothing behind when it raises. `timeout_s` is for one item, with its wait."""
        self._process = process
        self._timeout_s = timeout_s
        self._batch_size = batch_size
        self._pending: FairQueue[_Pending[Item, Result]] = FairQueue(max_pending)
        self._worker: asyncio.Task[None] | None = None
        self._last_size = 1
        self._has_enough = asyncio.Event()

    async def submit(self, item: Item) -> Result:
        """Process an item in the next batch.

        Raises StoreUnavailable after the timeout, and if too many are pending, and no other caller has more
        of them.
        """
        loop = asyncio.get_running_loop()
        pending: _Pending[Item, Result] = _Pending(item, loop.create_future())
        dropped = self._pending.add(current_queue_owner(), pending)
        if len(self._pending) >= self._last_size:
            self._has_enough.set()
        if dropped is not None and not dropped.future.done():
            dropped.future.set_exception(reject_waiter())
        if self._worker is None or self._worker.done():
            # In an empty context: its batches are work of the service, not of the caller that comes first.
            self._worker = asyncio.create_task(self._process_pending(), context=Context())
        timer = loop.call_later(self._timeout_s, _time_out, pending.future)
        try:
            with translate_db_errors():
                return await pending.future
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Wait until nothing is pending."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def _process_pending(self) -> None:
        while self._pending:
            await self._linger()
            batch = [self._pending.take()[1] for _ in range(min(self._batch_size, len(self._pending)))]
            self._last_size = len(batch)
            await self._process_batch(batch)

    async def _linger(self) -> None:
        if len(self._pending) < self._last_size:
            self._has_enough.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await self._has_enough.wait()
        if len(self._pending) > 1:
            await self._wait_for_arriving()

    async def _wait_for_arriving(self) -> None:
        deadline = time.monotonic() + ARRIVAL_TIMEOUT_S
        idle_turns = 0
        while idle_turns < IDLE_TURNS and time.monotonic() < deadline:
            count = len(self._pending)
            if count >= self._batch_size:
                return
            await asyncio.sleep(0)
            idle_turns = 0 if len(self._pending) > count else idle_turns + 1

    async def _process_batch(self, batch: Sequence[_Pending[Item, Result]]) -> None:
        results: Sequence[Result | Exception]
        try:
            results = await self._process([pending.item for pending in batch])
        except StoreUnavailable as error:
            results = [copy_error(error) for _ in batch]
        except Exception as error:
            if len(batch) > 1:
                for pending in batch:
                    await self._process_batch([pending])
                return
            results = [error]
        for pending, result in zip(batch, results, strict=True):
            if pending.future.done():
                continue
            if isinstance(result, Exception):
                pending.future.set_exception(result)
            else:
                pending.future.set_result(result)


def _time_out(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
