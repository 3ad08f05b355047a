"""Executes calls with a request id: a retry gets the recorded response, or OutcomeUnknown."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from services.errors import (
    DeadlineExceeded,
    DeadlineExceededInFlight,
    NationalsiteError,
    NotExecuted,
    OutcomeUnknown,
)
from services.store.idempotency.keys import (
    IdempotencyKeys,
    IdempotentRequest,
    NotExecutedOutcome,
    Started,
    Succeeded,
    UnknownOutcome,
)
from services.tracked_tasks import TrackedTasks

RECORD_TIMEOUT_S = 10.0
"""Added to the lease of a request: the time to record its outcome."""
CLOSE_TIMEOUT_S = 5.0
"""How long a shutdown waits for calls that outlive their callers."""
SEARCH_TIMEOUT_S = 120.0
"""The longest time that a search runs after its call, and after each retry of the call."""
MAX_SEARCHES = 100
"""Searches that run at the same time. Beyond them, calls and their retries do not search."""

Search: TypeAlias = Callable[[int], Awaitable[bytes | None]]
"""Looks for what a call with an unknown outcome created, and sends nothing that could create it again.

Gets the time at which the call started, in milliseconds since the epoch. Returns the response of the call;
None if nothing was found. May be cancelled."""

_log = structlog.get_logger()


class IdempotentExecutor:
    """Executes each call in its own task, which runs to its end even if the caller is cancelled.

    The task also starts the request in the store: an id that is taken is always used or released. It is
    released if the caller is cancelled meanwhile: sent so late, a write could overtake the caller's next one.
    """

    def __init__(self, keys: IdempotencyKeys) -> None:
        self._keys = keys
        self._tasks = TrackedTasks()
        self._searches: dict[tuple[str, str, str], asyncio.Task[bytes | None]] = {}
        self._is_closing = False

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
        resource_id: str = "",
        search: Search | None = None,
    ) -> bytes:
        """Return the response of `work`, or of the earlier call with this caller, RPC and request id.

        `timeout_s` limits the call, even if the caller is cancelled. After an unknown outcome the work is
        executed again only if the RPC `is_idempotent`. The outcome is recorded as unknown after an error with
        `may_have_executed`, or an exception that is not a NationalsiteError. After any other error the id may
        be used again.

        `resource_id` is the caller's own id of what the call creates: no other call of the RPC may have it.
        After an unknown outcome, and again in each retry, `search` looks for what was created. What it finds
        is recorded as the response. It goes on for SEARCH_TIMEOUT_S, also after the deadline of the call.

        Raises what `work` raises, RequestInProgress, RequestIdReused, OutOrderIdReused, OutcomeUnknown,
        NotExecuted, DeadlineExceeded, DeadlineExceededInFlight, StoreUnavailable.
        """
        request = IdempotentRequest(
            caller=caller,
            rpc=rpc,
            request_id=request_id,
            content_hash=content_hash,
            resource_id=resource_id,
        )
        caller_left = asyncio.Event()
        try:
            return await self._tasks.run(
                self._execute(
                    request, work, timeout_s, caller_left, is_idempotent=is_idempotent, search=search
                )
            )
        except asyncio.CancelledError:
            caller_left.set()
            raise

    async def close(self) -> None:
        """Wait for the running calls for CLOSE_TIMEOUT_S. Close what they use after this.

        Then they are cancelled, and their outcome is unknown. Searches are cancelled at once: a retry of the
        call searches again.
        """
        self._is_closing = True
        searches = list(self._searches.values())
        for task in searches:
            task.cancel()
        await self._tasks.close(cancel_after_s=CLOSE_TIMEOUT_S)
        if searches:
            await asyncio.wait(searches)

    async def _execute(
        self,
        request: IdempotentRequest,
        work: Callable[[], Awaitable[bytes]],
        timeout_s: float,
        caller_left: asyncio.Event,
        *,
        is_idempotent: bool,
        search: Search | None,
    ) -> bytes:
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        started = await self._keys.start(
            request, lease_s=timeout_s + RECORD_TIMEOUT_S, is_idempotent=is_idempotent
        )
        if isinstance(started, Succeeded):
            return started.response
        if isinstance(started, NotExecutedOutcome):
            raise NotExecuted("the first call with this request_id was not executed, and is not sent again")
        if isinstance(started, UnknownOutcome):
            response = await self._find(started.execution, search, deadline)
            if response is not None:
                return response
            raise OutcomeUnknown("the first call with this request_id was sent, and its outcome is not known")
        if caller_left.is_set() or clock() >= deadline:
            await self._keys.release(started)
            raise DeadlineExceeded("the deadline passed, or the caller left, before the request was sent")
        return await self._run(started, work, deadline, search)

    async def _run(
        self,
        started: Started,
        work: Callable[[], Awaitable[bytes]],
        deadline: float,
        search: Search | None,
    ) -> bytes:
        try:
            async with asyncio.timeout_at(deadline):
                response = await work()
        except BaseException as error:
            if not isinstance(error, NationalsiteError) or error.may_have_executed:
                await self._keys.record_unknown(started)
                if isinstance(error, Exception):
                    found = await self._find(started, search, deadline)
                    if found is not None:
                        return found
            else:
                await self._keys.release(started)
            if isinstance(error, TimeoutError):
                raise DeadlineExceededInFlight("time ran out after the request may have been sent") from error
            raise
        await self._keys.record_success(started, response)
        return response

    async def _find(self, execution: Started, search: Search | None, deadline: float) -> bytes | None:
        """Return the response that the search finds until the deadline. The search goes on after it."""
        task = self._start_search(execution, search) if search else None
        if task is None:
            return None
        remaining_s = deadline - asyncio.get_running_loop().time()
        await asyncio.wait([task], timeout=max(remaining_s, 0))
        return task.result() if task.done() and not task.cancelled() else None

    def _start_search(self, execution: Started, search: Search) -> "asyncio.Task[bytes | None] | None":
        """Return the running search for a call, or a new one; None if there is no capacity for it."""
        key = execution.request.key
        if key not in self._searches:
            if self._is_closing or len(self._searches) >= MAX_SEARCHES:
                return None
            self._searches[key] = asyncio.create_task(self._search(execution, search))
            self._searches[key].add_done_callback(lambda _: self._searches.pop(key))
        return self._searches[key]

    async def _search(self, execution: Started, search: Search) -> bytes | None:
        response = None
        try:
            async with asyncio.timeout(SEARCH_TIMEOUT_S):
                response = await search(execution.start_time_ms)
        except (NationalsiteError, TimeoutError) as error:
            _log.warning("search_failed", rpc=execution.request.rpc, error=type(error).__name__)
        except Exception as error:
            _log.exception("internal_fault", exc_info=error)
        if response is None:
            _log.warning("outcome_unknown", rpc=execution.request.rpc)
        else:
            await self._keys.record_success(execution, response)
        return response
