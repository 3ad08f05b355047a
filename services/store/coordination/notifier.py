"""Notifies waiting tasks of changes in the store.

A notification only says that it is worth polling again. It may be lost if a process dies or the database is
not available. So waiting tasks also poll every `POLL_INTERVAL_S`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

POLL_INTERVAL_S = 15.0
"""Between two polls without a notification."""


class Notifier:
    """The waiting tasks of this process, by channel. A channel is a name such as `messages:7`."""

    def __init__(self) -> None:
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watch(self, channel: str) -> Iterator[asyncio.Event]:
        """Yield an event that notifications set. Clear it before you poll, and wait for it after that."""
        event = asyncio.Event()
        self._events[channel].add(event)
        try:
            yield event
        finally:
            self._events[channel].discard(event)
            if not self._events[channel]:
                del self._events[channel]

    def notify(self, *channels: str) -> None:
        """Notify the waiting tasks of all replicas. Call this after the commit."""
        self.notify_local(channels)

    def notify_local(self, channels: Iterable[str]) -> None:
        """Notify the waiting tasks of this process."""
        for channel in channels:
            for event in self._events.get(channel, ()):
                event.set()

    def notify_all_local(self) -> None:
        """Notify every waiting task of this process, because notifications may have been lost."""
        self.notify_local(tuple(self._events))


async def wait_for_event(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until an event is set or the timeout ends."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
