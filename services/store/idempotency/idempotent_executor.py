"""Carries out calls that have a request id: once, to their end, and with the same answer for a repeat."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.errors import DeadlineExceededInFlight, NationalsiteError, OutcomeUnknown, StoreUnavailable
from services.store.idempotency.idempotency_keys import (
    Finished,
    IdempotencyKeys,
    RequestedCall,
    Started,
    UnknownOutcome,
)

NOTE_S = 10.0
"""What the lease of a call leaves for noting its outcome."""

_log = structlog.get_logger()


class IdempotentExecutor:
    """Runs calls in tasks of their own: one whose caller leaves is finished nevertheless."""

    def __init__(self, request_ids: IdempotencyKeys) -> None:
        self._request_ids = request_ids
        self._running: set[asyncio.Task[bytes]] = set()

    async def run(
        self, call: RequestedCall, work: Callable[[], Awaitable[bytes]], *, within_s: float, resend: bool
    ) -> bytes:
        """Return the response of `work`, or of the earlier call with this request id.

        `within_s` bounds the work, whatever becomes of its caller; `resend` says that the RPC may be sent
        again after an unknown outcome. A failure after which 1688 may have executed the call is kept as
        unknown (`may_have_executed`, or any foreign exception); any other frees the id. Raises what
        `work` raises, RequestInProgress, RequestIdReused, OutcomeUnknown, DeadlineExceededInFlight,
        StoreUnavailable.
        """
        begun = await self._request_ids.begin(call, lease_s=within_s + NOTE_S, resend=resend)
        if isinstance(begun, Finished):
            return begun.response
        if isinstance(begun, UnknownOutcome):
            raise OutcomeUnknown("the first call with this request_id was sent, and its outcome is not known")
        task = asyncio.create_task(self._carry_out(begun, work, within_s))
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    async def remember(
        self,
        work: Callable[[], Awaitable[bytes]],
        *,
        caller: str,
        rpc: str,
        request_id: str,
        content_hash: bytes,
        within_s: float,
        resend: bool,
    ) -> bytes:
        """Do what `run` does, told in single words."""
        call = RequestedCall(caller=caller, rpc=rpc, request_id=request_id, content_hash=content_hash)
        return await self.run(call, work, within_s=within_s, resend=resend)

    async def close(self) -> None:
        """Wait for calls whose callers have left; each has its own bound."""
        while self._running:
            await asyncio.wait(self._running)

    async def _carry_out(
        self, begun: Started, work: Callable[[], Awaitable[bytes]], within_s: float
    ) -> bytes:
        try:
            async with asyncio.timeout(within_s):
                response = await work()
        except BaseException as error:
            sent = error.may_have_executed if isinstance(error, NationalsiteError) else True
            await self._note(self._request_ids.unknown(begun) if sent else self._request_ids.free(begun))
            if isinstance(error, TimeoutError):
                raise DeadlineExceededInFlight("time ran out after the request may have been sent") from error
            raise
        await self._note(self._request_ids.finish(begun, response))
        return response

    async def _note(self, noting: Awaitable[None]) -> None:
        """Note an outcome. Where that fails, the caller is told all the same; a repeat is told 'unknown'."""
        try:
            await noting
        except StoreUnavailable:
            _log.warning("request_not_noted")

    def _finished(self, task: "asyncio.Task[bytes]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left: then nobody else asks
