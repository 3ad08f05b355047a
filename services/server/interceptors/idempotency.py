"""Idempotency: a retry with the same request id gets the response of the first call."""

import asyncio
from functools import partial
from typing import cast

from google.protobuf.message import Message

from services.errors import DeadlineExceeded, DeadlineExceededInFlight, OutcomeUnknown, StartupError
from services.message_hash import hash_message
from services.server.call import CallContext, CallNext, IdempotencyGuard, MethodInfo

FIELD = "request_id"
"""The name of the request field with the request id."""
RESPONSE_MARGIN_S = 0.25


class IdempotencyInterceptor:
    """Lets the idempotency guard of the endpoint execute each call that has a request id."""

    def __init__(self, method: MethodInfo, guard: IdempotencyGuard) -> None:
        self._guard = guard
        self._rpc = method.name
        self._is_idempotent = method.is_idempotent
        self._creation = method.endpoint.creation
        self._clock = asyncio.get_running_loop().time

    @classmethod
    def for_method(cls, method: MethodInfo) -> "IdempotencyInterceptor | None":
        """Return None if the method has no request ids, or if its handler handles them.

        Raises StartupError if nothing handles them.
        """
        has_request_ids = FIELD in method.descriptor.input_type.fields_by_name
        if not has_request_ids or method.endpoint.handles_idempotency:
            return None
        if method.endpoint.idempotency_guard is None:
            raise StartupError([f"{method.name}: has request ids, and the service has no store for them"])
        return cls(method, method.endpoint.idempotency_guard)

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise OutcomeUnknown or a deadline error after the deadline.

        The guard does not begin the work when the caller no longer waits: then nothing was sent.
        """
        request = cast(Message, call.request)  # no method that streams requests has the field
        request_id = getattr(request, FIELD)
        if not request_id:
            return await call_next(call)
        callers_deadline = call.deadline - self._get_margin_s(call.deadline)
        # The guard finishes the work even if the caller stops waiting. So the work has its own deadline.
        call.deadline = max(call.deadline, call.default_deadline)
        has_begun = False

        async def work() -> bytes:
            nonlocal has_begun
            has_begun = True
            return await call_next(call)

        try:
            async with asyncio.timeout_at(callers_deadline):
                return await self._guard(
                    work,
                    caller=call.identity,
                    rpc=self._rpc,
                    request_id=request_id,
                    content_hash=hash_message(request),
                    timeout_s=call.deadline - self._clock(),
                    is_idempotent=self._is_idempotent,
                    resource_id=getattr(request, self._creation.id_field) if self._creation else "",
                    search=partial(self._creation.search, request) if self._creation else None,
                )
        except TimeoutError:
            if not has_begun and not self._creation:
                raise DeadlineExceeded("the deadline passed before the request was sent") from None
            message = "the deadline passed, and the call is still being executed"
            if self._creation:
                message += ", or what it created is being searched"
            if self._is_idempotent:
                raise DeadlineExceededInFlight(message) from None
            raise OutcomeUnknown(message) from None

    def _get_margin_s(self, deadline: float) -> float:
        """Return how long before its deadline a call ends.

        The search of a creation can take all of the time, and the ids in the error must reach the caller.
        """
        return min(RESPONSE_MARGIN_S, (deadline - self._clock()) / 10) if self._creation else 0.0
