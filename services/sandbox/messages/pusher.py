"""Pushes what waits in the outbox, for as long as the sandbox runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import aiohttp

from services.sandbox.messages.message import Message
from services.sandbox.messages.outbox import NO_CALLBACK, Outbox
from services.sandbox.messages.push_queue import Delivery
from services.sandbox.messages.push_request import CONTENT_TYPE, push_request
from services.sandbox.messages.push_settings import PushSettings

MAX_ANSWER_BYTES = 64 * 1024
"""Read of an answer, so that its connection can be used again. What it says does not count."""

_log = logging.getLogger("services.sandbox")


class HasOutbox(Protocol):
    """Whose outbox it is. A reset closes that and puts another in its place."""

    outbox: Outbox


class Pusher:
    """The only one that takes deliveries out of the outbox."""

    def __init__(self, state: HasOutbox) -> None:
        self._state = state

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pushes while the context lasts; what is under way when it ends is given up."""
        # The number of pushes is bounded here and not by the connections.
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
            await _serve(self._state.outbox, session)


async def _serve(outbox: Outbox, session: aiohttp.ClientSession) -> None:
    """Returns when the outbox is closed."""
    pushes: set[asyncio.Task[None]] = set()

    def ended(push: asyncio.Task[None]) -> None:
        pushes.discard(push)
        outbox.changed.set()

    try:
        while not outbox.closed:
            outbox.changed.clear()
            while len(pushes) < outbox.settings.in_flight and (delivery := outbox.take()):
                push = asyncio.create_task(_push(outbox, delivery, session))
                pushes.add(push)
                push.add_done_callback(ended)
            full = len(pushes) >= outbox.settings.in_flight
            with suppress(TimeoutError):
                async with asyncio.timeout(None if full else outbox.next_due_s()):
                    await outbox.changed.wait()
    finally:
        for push in pushes:
            push.cancel()
        await asyncio.gather(*pushes, return_exceptions=True)


async def _push(outbox: Outbox, delivery: Delivery, session: aiohttp.ClientSession) -> None:
    with outbox.pushing(delivery):
        try:
            answer = await _post(delivery.message, outbox.settings, session)
        except TimeoutError:
            answer = "timeout"
        except (aiohttp.ClientError, OSError) as error:
            answer = type(error).__name__
        except Exception:  # one push that cannot be made must not end the pusher
            _log.exception("a push failed")
            answer = "error"
    outbox.settle(delivery, answer)


async def _post(message: Message, settings: PushSettings, session: aiohttp.ClientSession) -> int | str:
    """The HTTP status of the answer."""
    if settings.callback_url is None:
        return NO_CALLBACK
    request = push_request(message, settings.callback_url, settings)
    async with (
        asyncio.timeout(settings.timeout_ms / 1000),
        session.post(
            request.url,
            data=request.body,
            headers={"Content-Type": CONTENT_TYPE},
            allow_redirects=False,
            # The timeout above is the only one: it covers connecting, sending and the answer.
            timeout=aiohttp.ClientTimeout(total=None),
        ) as answer,
    ):
        await answer.content.read(MAX_ANSWER_BYTES)
        return answer.status
