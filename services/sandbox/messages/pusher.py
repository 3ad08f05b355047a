"""Pushes the messages of the outbox while the sandbox runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import aiohttp

from services.sandbox.controls.changes import Changes
from services.sandbox.messages.message import Message
from services.sandbox.messages.outbox import NO_CALLBACK, Outbox
from services.sandbox.messages.push_queue import QueuedPush
from services.sandbox.messages.push_request import CONTENT_TYPE, build_push_request
from services.sandbox.messages.push_settings import PushSettings

MAX_RESPONSE_BYTES = 64 * 1024
"""How much of a response is read, so that its connection can be reused. The content is ignored."""

_log = logging.getLogger("services.sandbox")


class HasOutbox(Protocol):
    """The owner of the outbox. A reset closes the outbox and replaces it."""

    outbox: Outbox


class Pusher:
    """Takes queued pushes from the outbox and sends them."""

    def __init__(self, state: HasOutbox, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Push until the context manager exits, which cancels the pushes in flight."""
        # `PushSettings.max_in_flight` limits the pushes. The connector must not limit them further.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            task = asyncio.create_task(self._run(session))
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _run(self, session: aiohttp.ClientSession) -> None:
        while True:
            await _push_all(self._state.outbox, session, self._changes)


async def _push_all(outbox: Outbox, session: aiohttp.ClientSession, changes: Changes) -> None:
    """Push until the outbox is closed."""
    pushes: set[asyncio.Task[None]] = set()

    def on_done(push: asyncio.Task[None]) -> None:
        pushes.discard(push)
        outbox.changed.set()
        changes.notify()

    try:
        while not outbox.closed:
            outbox.changed.clear()
            while len(pushes) < outbox.settings.max_in_flight and (queued_push := outbox.pop_due()):
                push = asyncio.create_task(_push(outbox, queued_push, session))
                pushes.add(push)
                push.add_done_callback(on_done)
            is_full = len(pushes) >= outbox.settings.max_in_flight
            with suppress(TimeoutError):
                async with asyncio.timeout(None if is_full else outbox.next_due_s()):
                    await outbox.changed.wait()
    finally:
        for push in pushes:
            push.cancel()
        await asyncio.gather(*pushes, return_exceptions=True)


async def _push(outbox: Outbox, queued_push: QueuedPush, session: aiohttp.ClientSession) -> None:
    with outbox.track_push(queued_push):
        try:
            result = await _post(queued_push.message, outbox.settings, session)
        except TimeoutError:
            result = "timeout"
        except (aiohttp.ClientError, OSError) as error:
            result = type(error).__name__
        except Exception:  # one invalid push must not stop the pusher
            _log.exception("push_failed topic=%s", queued_push.message.topic)
            result = "error"
    outbox.record_result(queued_push, result)


async def _post(message: Message, settings: PushSettings, session: aiohttp.ClientSession) -> int | str:
    """Send a push, and return the HTTP status of the response."""
    if settings.callback_url is None:
        return NO_CALLBACK
    request = build_push_request(message, settings.callback_url, settings)
    async with (
        asyncio.timeout(settings.timeout_ms / 1000),
        session.post(
            request.url,
            data=request.body,
            headers={"Content-Type": CONTENT_TYPE},
            allow_redirects=False,
            # The timeout above covers connecting, sending and the response.
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response,
    ):
        await response.content.read(MAX_RESPONSE_BYTES)
        return response.status
