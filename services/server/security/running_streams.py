"""Ends streams whose callers may no longer call.

The policy or the authorities of client certificates have changed, or a certificate has expired.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.errors import CallerForbidden, CallerUnknown


@dataclass(slots=True, eq=False)
class _Stream:
    authorize: Callable[[], object]
    timeout: asyncio.Timeout
    error: CallerForbidden | CallerUnknown


class RunningStreams:
    """The running streams of a server."""

    def __init__(self) -> None:
        self._streams: set[_Stream] = set()

    @asynccontextmanager
    async def guard(self, authorize: Callable[[], object], valid_s: float | None) -> AsyncIterator[None]:
        """Cancel the code in this context when its caller may no longer call, and raise the reason.

        `authorize` raises CallerForbidden or CallerUnknown once the caller may no longer call. `valid_s`: how
        long the caller's certificate is still valid; None: there is none.
        """
        expired = CallerUnknown("the client certificate has expired")
        try:
            async with asyncio.timeout(valid_s) as timeout:
                stream = _Stream(authorize, timeout, expired)
                self._streams.add(stream)
                try:
                    yield
                finally:
                    self._streams.discard(stream)
        except TimeoutError:
            if timeout.expired():
                raise stream.error from None
            raise

    def end_unauthorized(self) -> None:
        """End the streams whose callers may no longer call."""
        for stream in tuple(self._streams):
            if stream.timeout.expired():
                continue  # it is ending
            try:
                stream.authorize()
            except (CallerForbidden, CallerUnknown) as error:
                stream.error = error
                stream.timeout.reschedule(asyncio.get_running_loop().time())
