"""Executes calls with a request id: a retry gets the recorded response, or OutcomeUnknown."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.errors import DeadlineExceededInFlight, NationalsiteError, OutcomeUnknown, StoreUnavailable
from services.store.idempotency.keys import (
    IdempotencyKeys,
    IdempotentRequest,
    Started,
    Succeeded,
    UnknownOutcome,
)

RECORD_TIMEOUT_S = 10.0
"""Part of a request's lease: the time to record its outcome."""

_log = structlog.get_logger()


class IdempotentExecutor:
    """Executes each call in its own task, which runs to its end even if the caller is cancelled."""

    def __init__(self, keys: IdempotencyKeys) -> None:
        self._keys = keys
        self._running: set[asyncio.Task[bytes]] = set()

    async def execute(
        self,
        work: Callable[[], Awaitable[bytes]],
        *,
        caller: str,
        rpc: str,
        request_id: str,
        content_hash: bytes,
        timeout_s: float,
        is_idempotent: bool,
    ) -> bytes:
        """Return the response of `work`, or of the earlier call with this caller, RPC and request id.

        `timeout_s` limits the work, even if the caller is cancelled. After an unknown outcome the work is
        executed again only if the RPC `is_idempotent`. The outcome is recorded as unknown after an error with
        `may_have_executed`, or an exception that is not a NationalsiteError; any other error releases the id.

        Raises what `work` raises, RequestInProgress, RequestIdReused, OutcomeUnknown,
        DeadlineExceededInFlight, StoreUnavailable.
        """
        request = IdempotentRequest(caller=caller, rpc=rpc, request_id=request_id, content_hash=content_hash)
        started = await self._keys.start(
            request, lease_s=timeout_s + RECORD_TIMEOUT_S, is_idempotent=is_idempotent
        )
        if isinstance(started, Succeeded):
            return started.response
        if isinstance(started, UnknownOutcome):
            raise OutcomeUnknown("the first call with this request_id was sent, and its outcome is not known")
        task = asyncio.create_task(self._run(started, work, timeout_s))
        self._running.add(task)
        task.add_done_callback(self._on_done)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for the running calls. Each has its own timeout."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run(self, started: Started, work: Callable[[], Awaitable[bytes]], timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                response = await work()
        except BaseException as error:
            if not isinstance(error, NationalsiteError) or error.may_have_executed:
                await self._record(self._keys.record_unknown(started))
            else:
                await self._record(self._keys.release(started))
            if isinstance(error, TimeoutError):
                raise DeadlineExceededInFlight("time ran out after the request may have been sent") from error
            raise
        await self._record(self._keys.record_success(started, response))
        return response

    async def _record(self, recording: Awaitable[None]) -> None:
        """Record an outcome. If that fails, the caller still gets it; to a retry it is unknown."""
        try:
            await recording
        except StoreUnavailable:
            _log.warning("request_outcome_not_recorded")

    def _on_done(self, task: "asyncio.Task[bytes]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved here, because the caller may have been cancelled
