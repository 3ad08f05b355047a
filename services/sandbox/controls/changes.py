"""Tells waiting clients of the admin API that something has changed."""

import asyncio
import time


class Changes:
    """Counts changes of the state. It does not say what has changed: a client reads what it shows again."""

    def __init__(self) -> None:
        # A client that has waited for another process sees a change.
        self._revision = time.time_ns() // 1000
        self._changed = asyncio.Event()

    @property
    def revision(self) -> int:
        """The number of the latest change. It is below 2^53, so that JavaScript reads it exactly."""
        return self._revision

    def notify(self) -> None:
        """Record a change, and wake those that wait."""
        self._revision += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self, seen: int) -> None:
        """Wait until the latest change is not `seen`."""
        while self._revision == seen:
            await self._changed.wait()
