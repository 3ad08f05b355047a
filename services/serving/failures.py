"""The one place where an exception becomes a status."""

import asyncio

import grpc
import structlog
from google.protobuf.descriptor_pb2 import MethodOptions

from services.errors import Draining, InternalFault, NationalsiteError, OutcomeUnknown
from services.serving.answers import answer
from services.serving.rpc import Call, Rpc, Step

DRAINED = "drained"
"""What a call's task is cancelled with when the drain's grace is over."""

# A caller's own timer ends a call a little before ours would: gRPC rounds timeouts up when it sends them.
_SKEW_S = 0.25


def failures(rpc: Rpc, step: Step) -> Step:
    """Answers every failure with a status, a reason and its details.

    What is not of our own tree is our own fault: logged by type and place, and told in a fixed text, since
    its words may hold a buyer's data.
    """
    log = structlog.get_logger().bind()
    operation = rpc.binding.operation

    async def answered(call: Call) -> bytes:
        failure: NationalsiteError
        try:
            return await step(call)
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or DRAINED not in cancelled.args:
                call.status = _cancelled(call.context.time_remaining())
                raise
            task.uncancel()
            failure = _drained(rpc)
        except NationalsiteError as error:
            failure = error
        except Exception as error:
            log.exception("internal_fault", exc_info=error)
            failure = InternalFault("internal fault")
        told = answer(failure, operation)
        call.status, call.reason = told.status, failure.reason
        await call.context.abort(told.status, told.message, told.trailers)

    return answered


def _drained(rpc: Rpc) -> NationalsiteError:
    """What a call is told that the drain's grace did not suffice for: nobody here knows how far it came."""
    if rpc.descriptor.GetOptions().idempotency_level == MethodOptions.IDEMPOTENCY_UNKNOWN:
        return OutcomeUnknown("this replica is shutting down; whether the call was carried out is not known")
    return Draining("this replica is shutting down")


def _cancelled(remaining_s: float | None) -> grpc.StatusCode:
    """What a cancellation was: gRPC cancels alike when the caller gives up and when its deadline passes."""
    if remaining_s is not None and remaining_s < _SKEW_S:
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return grpc.StatusCode.CANCELLED
