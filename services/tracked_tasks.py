"""Tasks for work that must be finished once it has begun, such as to take a lease, or to give it back.

A cancelled call stops at its current `await`, and its cleanup stops at the next cancellation. Neither
affects a task of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from services.errors import NationalsiteError

T = TypeVar("T")

_log = structlog.get_logger()


class TrackedTasks:
    """Runs work in tasks that end by themselves. `close` waits for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """Return the number of tasks that are running."""
        return len(self._tasks)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of the work. The work continues if the caller is cancelled."""
        task = self._create(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_bug)
            raise

    async def run_or_undo(
        self, work: Coroutine[Any, Any, T], undo: Callable[[T], Coroutine[Any, Any, object]]
    ) -> T:
        """Return the result of the work. If the caller is cancelled, undo the work when it is done."""
        task = self._create(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.start(_undo(task, undo))
            raise

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Do the work in the background. An error of the work is not raised; if it is a bug, it is logged."""
        self._create(work).add_done_callback(_log_bug)

    async def close(self, *, cancel_after_s: float | None = None) -> None:
        """Wait for all tasks, also for those that they start. Each must have a timeout of its own.

        With `cancel_after_s`, those that still run after this time are cancelled.
        """
        if cancel_after_s is not None and self._tasks:
            await asyncio.wait(self._tasks, timeout=cancel_after_s)
            for task in self._tasks:
                task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _create(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # otherwise asyncio logs it, if the caller was cancelled


async def _undo(task: "asyncio.Task[T]", undo: Callable[[T], Coroutine[Any, Any, object]]) -> None:
    await undo(await task)


def _log_bug(task: "asyncio.Task[Any]") -> None:
    """Log an error that no caller gets any more, unless it is an expected one."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, NationalsiteError):
        _log.error("internal_fault", exc_info=error)
