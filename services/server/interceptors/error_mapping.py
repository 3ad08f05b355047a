"""Error mapping: the only place where an exception becomes a status."""

import asyncio
from collections.abc import Mapping
from typing import NoReturn

import grpc
import structlog

from services.errors import Draining, InternalFault, NationalsiteError, OutcomeUnknown, iterate_causes
from services.server.call import CallContext, CallNext, MethodInfo, ServicerContext
from services.server.status import ErrorStatus, to_error_status

SHUTDOWN = "shutdown"
"""The message with which the server cancels the task of a call when it shuts down."""

# gRPC sends the status of a stream after all its responses. If the caller does not read these within this
# time, the call ends without a status.
_ABORT_TIMEOUT_S = 3.0

# The caller's gRPC rounds up the timeout that it sends. So the caller can end a call at its deadline while
# this server still counts up to this much remaining time.
_MAX_ROUNDING_S = 0.25


class ErrorMappingInterceptor:
    """Ends a failed call with a status, a reason and details.

    An exception that is no NationalsiteError is a bug. Its type and stack are logged, but not its message,
    which may contain a buyer's data. The caller gets a fixed message.
    """

    def __init__(self, method: MethodInfo) -> None:
        self._log = structlog.get_logger().bind()
        self._origin = method.endpoint.origin
        self._is_non_idempotent_unary = not method.is_idempotent and not method.is_streaming

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Abort the call if it fails. If gRPC cancels it, raise the cancellation again."""
        failure: NationalsiteError
        try:
            return await call_next(call)
        except asyncio.CancelledError as cancellation:
            task = asyncio.current_task()
            if task is None or not _is_shutdown(cancellation):
                call.status = _cancellation_status(call.grpc_context.time_remaining())
                raise
            task.uncancel()
            failure = self._shutdown_error(call)
        except Exception as error:
            domain_error = _as_domain_error(error)
            if domain_error is None:
                self._log.exception("internal_fault", exc_info=error)
            failure = domain_error or InternalFault("internal fault")
        error_status = to_error_status(failure, self._origin, call.first_request)
        call.status, call.reason = error_status.status, failure.reason
        # Tracebacks refer to the variables of all functions that failed, such as an image, and this function
        # to the error: that cycle would stay in memory until the next garbage collection.
        _drop_tracebacks(failure)
        call.request = call.first_request = None
        await _abort(call.grpc_context, error_status, call.response_metadata)

    def _shutdown_error(self, call: CallContext) -> NationalsiteError:
        """Return the error of a call that the shutdown ended."""
        if self._is_non_idempotent_unary and call.handler_started:
            return OutcomeUnknown("this replica is shutting down; the call may have been executed")
        return Draining("this replica is shutting down")


def _is_shutdown(cancellation: BaseException) -> bool:
    """Whether the shutdown has cancelled the call, even if its timeout then cancelled its cleanup, too."""
    return any(
        isinstance(error, asyncio.CancelledError) and SHUTDOWN in error.args
        for error in iterate_causes(cancellation)
    )


def _drop_tracebacks(error: BaseException) -> None:
    """Drop the tracebacks of an error and of those that caused it."""
    for each in iterate_causes(error):
        each.__traceback__ = None


async def _abort(
    context: ServicerContext, error_status: ErrorStatus, response_metadata: Mapping[str, str]
) -> NoReturn:
    trailers = (*error_status.trailers, *response_metadata.items())
    try:
        async with asyncio.timeout(_ABORT_TIMEOUT_S):
            await context.abort(error_status.status, error_status.message, trailers)
    except TimeoutError:
        raise asyncio.CancelledError from None  # gRPC then ends the call without a status


def _as_domain_error(error: Exception) -> NationalsiteError | None:
    """Return the error if it is a NationalsiteError, else None.

    If several tasks of a handler fail, the error is a group. If all its errors are NationalsiteErrors, the
    first of them is returned.
    """
    if isinstance(error, ExceptionGroup):
        domain_errors = [_as_domain_error(each) for each in error.exceptions]
        return None if None in domain_errors else domain_errors[0]
    return error if isinstance(error, NationalsiteError) else None


def _cancellation_status(remaining_s: float | None) -> grpc.StatusCode:
    """Return the status of a cancelled call. gRPC does not say if its caller or its deadline ended it."""
    if remaining_s is not None and remaining_s < _MAX_ROUNDING_S:
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return grpc.StatusCode.CANCELLED
