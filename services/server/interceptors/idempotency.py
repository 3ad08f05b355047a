"""Idempotency: a retry with the same request id gets the response of the first call."""

import asyncio
import hashlib
from typing import cast

from google.protobuf.message import Message

from services.errors import DeadlineExceededInFlight, OutcomeUnknown, StoreRequired
from services.server.call import CallContext, CallNext, IdempotencyGuard, MethodInfo

FIELD = "request_id"
"""The field of the request, in every method that has one."""


class IdempotencyInterceptor:
    """Passes a call that has a request id through the idempotency guard of its endpoint."""

    def __init__(self, method: MethodInfo, guard: IdempotencyGuard | None) -> None:
        self._guard = guard
        self._rpc = method.name
        self._is_idempotent = method.is_idempotent
        self._clock = asyncio.get_running_loop().time

    @classmethod
    def for_method(cls, method: MethodInfo) -> "IdempotencyInterceptor | None":
        """Return None for a method without request ids, or whose handler handles them."""
        has_request_ids = FIELD in method.descriptor.input_type.fields_by_name
        if not has_request_ids or method.endpoint.handles_idempotency:
            return None
        return cls(method, method.endpoint.idempotency_guard)

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise StoreRequired for a request id without a guard, and a deadline error for a late call."""
        request = cast(Message, call.request)  # no method that streams requests has the field
        request_id = getattr(request, FIELD)
        if not request_id:
            return await call_next(call)
        if self._guard is None:
            raise StoreRequired("request_id needs a store, and this service has none")
        callers_deadline = call.deadline
        # The guard finishes the work even when the caller leaves. So the work has its own deadline.
        call.deadline = max(callers_deadline, call.default_deadline)
        try:
            async with asyncio.timeout_at(callers_deadline):
                return await self._guard(
                    lambda: call_next(call),
                    caller=call.identity,
                    rpc=self._rpc,
                    request_id=request_id,
                    content_hash=_hash(request),
                    timeout_s=call.deadline - self._clock(),
                    is_idempotent=self._is_idempotent,
                )
        except TimeoutError:
            message = "the deadline passed, and the call is still being executed"
            if self._is_idempotent:
                raise DeadlineExceededInFlight(message) from None
            raise OutcomeUnknown(message) from None


def _hash(request: Message) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
