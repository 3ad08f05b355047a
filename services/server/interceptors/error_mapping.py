"""The one place where an exception becomes a status."""

import asyncio
from typing import NoReturn

import grpc
import structlog
from google.protobuf.descriptor_pb2 import MethodOptions

from services.errors import Draining, InternalFault, NationalsiteError, OutcomeUnknown
from services.server.call import CallContext, CallNext, MethodInfo, ServicerContext
from services.server.status import ErrorStatus, to_error_status

SHUTDOWN = "drained"
"""What a call's task is cancelled with when the drain ends it."""

# An answer waits behind what its caller has not read yet. A caller that reads nothing more is given up, and
# its call ends with the connection at the latest.
_TELL_S = 3.0

# A caller's own timer ends a call a little before ours would: gRPC rounds timeouts up when it sends them.
_SKEW_S = 0.25


def error_mapping_interceptor(rpc: MethodInfo, step: CallNext) -> CallNext:
    """Answers every failure with a status, a reason and its details.

    What is not of our own tree is our own fault: logged by type and place, and told in a fixed text, since
    its words may hold a buyer's data.
    """
    log = structlog.get_logger().bind()
    operation = rpc.binding.operation

    async def answered(call: CallContext) -> bytes:
        failure: NationalsiteError
        try:
            return await step(call)
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or SHUTDOWN not in cancelled.args:
                call.status = _cancelled(call.context.time_remaining())
                raise
            task.uncancel()
            failure = _drained(rpc, call)
        except Exception as error:
            ours = _of_our_tree(error)
            if ours is None:
                log.exception("internal_fault", exc_info=error)
            failure = ours or InternalFault("internal fault")
        told = to_error_status(failure, operation)
        call.status, call.reason = told.status, failure.reason
        await _tell(call.context, told)

    return answered


async def _tell(context: ServicerContext, told: ErrorStatus) -> NoReturn:
    try:
        async with asyncio.timeout(_TELL_S):
            await context.abort(told.status, told.message, told.trailers)
    except TimeoutError:
        raise asyncio.CancelledError from None  # what gRPC takes for an end without an answer


def _of_our_tree(error: Exception) -> NationalsiteError | None:
    """The error, or the first of a group of them: the tasks of a handler may fail together."""
    if isinstance(error, ExceptionGroup):
        ours = [_of_our_tree(one) for one in error.exceptions]
        return None if None in ours else ours[0]
    return error if isinstance(error, NationalsiteError) else None


def _drained(rpc: MethodInfo, call: CallContext) -> NationalsiteError:
    """What a call is told that the drain ends: of a write that has begun, unless it streams, nobody knows."""
    unrepeatable = rpc.descriptor.GetOptions().idempotency_level == MethodOptions.IDEMPOTENCY_UNKNOWN
    if unrepeatable and call.begun and not rpc.streams:
        return OutcomeUnknown("this replica is shutting down; whether the call was carried out is not known")
    return Draining("this replica is shutting down")


def _cancelled(remaining_s: float | None) -> grpc.StatusCode:
    """What a cancellation was: gRPC cancels alike when the caller gives up and when its deadline passes."""
    if remaining_s is not None and remaining_s < _SKEW_S:
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return grpc.StatusCode.CANCELLED
