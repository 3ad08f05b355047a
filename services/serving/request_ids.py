"""Request ids: a repeat is to be answered as the first call was, which needs a store."""

from services.errors import StoreRequired
from services.serving.rpc import Call, Rpc, Step

FIELD = "request_id"
"""The request field, in every RPC that takes one."""


def request_ids(rpc: Rpc, step: Step) -> Step:
    """Refuses a request id that is set: better than to forget it, and to do the work twice."""
    if FIELD not in rpc.descriptor.input_type.fields_by_name:
        return step

    async def refused(call: Call) -> bytes:
        if getattr(call.request, FIELD):
            raise StoreRequired("request_id needs a store, and this service has none")
        return await step(call)

    return refused
