"""Request ids: a repeat is answered as the first call was, by whatever remembers it."""

import asyncio
import hashlib
from typing import cast

from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from services.errors import DeadlineExceededInFlight, OutcomeUnknown, StoreRequired
from services.server.call import CallContext, CallNext, MethodInfo

FIELD = "request_id"
"""The request field, in every RPC that takes one."""


def idempotency_interceptor(rpc: MethodInfo, step: CallNext) -> CallNext:
    """Has a call that carries an id remembered. Without anything to remember it, refuses it."""
    remember = rpc.binding.remember
    if FIELD not in rpc.descriptor.input_type.fields_by_name or rpc.binding.takes_request_ids:
        return step
    resend = rpc.descriptor.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    clock = asyncio.get_running_loop().time

    async def once(call: CallContext) -> bytes:
        request = cast(Message, call.request)  # no RPC that streams requests has the field
        request_id = getattr(request, FIELD)
        if not request_id:
            return await step(call)
        if remember is None:
            raise StoreRequired("request_id needs a store, and this service has none")
        callers_deadline = call.deadline
        # The work has a time of its own: it is finished even when its caller leaves.
        call.deadline = max(callers_deadline, call.default_deadline)
        try:
            async with asyncio.timeout_at(callers_deadline):
                return await remember(
                    lambda: step(call),
                    caller=call.identity,
                    rpc=rpc.name,
                    request_id=request_id,
                    content_hash=_hash(request),
                    within_s=call.deadline - clock(),
                    resend=resend,
                )
        except TimeoutError:
            message = "the deadline passed while the call was carried out, which goes on"
            raise DeadlineExceededInFlight(message) if resend else OutcomeUnknown(message) from None

    return once


def _hash(request: Message) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
