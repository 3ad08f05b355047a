"""Error mapping: the only place where an exception becomes a status."""

import asyncio
from typing import NoReturn

import grpc
import structlog

from services.errors import Draining, InternalFault, NationalsiteError, OutcomeUnknown
from services.server.call import CallContext, CallNext, MethodInfo, ServicerContext
from services.server.status import ErrorStatus, to_error_status

SHUTDOWN = "shutdown"
"""The message of the cancellation of a call's task when the server shuts down."""

# A status is sent after the responses that the caller has not read yet. When the caller does not read them,
# the call ends without a status.
_ABORT_TIMEOUT_S = 3.0

# gRPC rounds a timeout up when it sends it, so the caller's timer can end a call shortly before ours.
_CLOCK_SKEW_S = 0.25


class ErrorMappingInterceptor:
    """Ends a failed call with a status, a reason and details.

    An exception outside our error tree is a bug. It is logged by type and stack, without its message, which
    may contain a buyer's data. The caller gets a fixed message.
    """

    def __init__(self, method: MethodInfo) -> None:
        self._log = structlog.get_logger().bind()
        self._operation = method.endpoint.operation
        self._is_non_idempotent_unary = not method.is_idempotent and not method.is_streaming

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Abort the call if it fails. Cancellation by gRPC is passed on."""
        failure: NationalsiteError
        try:
            return await call_next(call)
        except asyncio.CancelledError as cancellation:
            task = asyncio.current_task()
            if task is None or SHUTDOWN not in cancellation.args:
                call.status = _cancellation_status(call.grpc_context.time_remaining())
                raise
            task.uncancel()
            failure = self._shutdown_error(call)
        except Exception as error:
            domain_error = _as_domain_error(error)
            if domain_error is None:
                self._log.exception("internal_fault", exc_info=error)
            failure = domain_error or InternalFault("internal fault")
        error_status = to_error_status(failure, self._operation)
        call.status, call.reason = error_status.status, failure.reason
        await _abort(call.grpc_context, error_status)

    def _shutdown_error(self, call: CallContext) -> NationalsiteError:
        """Return the error of a call that the shutdown ended."""
        if self._is_non_idempotent_unary and call.handler_started:
            return OutcomeUnknown("this replica is shutting down; the call may have been executed")
        return Draining("this replica is shutting down")


async def _abort(context: ServicerContext, error_status: ErrorStatus) -> NoReturn:
    try:
        async with asyncio.timeout(_ABORT_TIMEOUT_S):
            await context.abort(error_status.status, error_status.message, error_status.trailers)
    except TimeoutError:
        raise asyncio.CancelledError from None  # gRPC then ends the call without a status


def _as_domain_error(error: Exception) -> NationalsiteError | None:
    """Return an error of our tree, or the first of a group of such: the tasks of a handler fail together."""
    if isinstance(error, ExceptionGroup):
        domain_errors = [_as_domain_error(each) for each in error.exceptions]
        return None if None in domain_errors else domain_errors[0]
    return error if isinstance(error, NationalsiteError) else None


def _cancellation_status(remaining_s: float | None) -> grpc.StatusCode:
    """Return why a call was cancelled: gRPC does not say whether its caller did it or its deadline passed."""
    if remaining_s is not None and remaining_s < _CLOCK_SKEW_S:
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return grpc.StatusCode.CANCELLED
