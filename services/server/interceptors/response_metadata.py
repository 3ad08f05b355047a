"""Carries metadata between the wire and whoever answers."""

from services import call_metadata as carried
from services.server.call import CallContext, CallNext, MethodInfo


def response_metadata_interceptor(_rpc: MethodInfo, step: CallNext) -> CallNext:
    """Hands on the request's metadata, and sends what was noted ahead of the response."""

    async def told(call: CallContext) -> bytes:
        notes = carried.bind(call.context.invocation_metadata() or ())
        response = await step(call)
        if notes:
            await call.context.send_initial_metadata(tuple(notes.items()))
        return response

    return told
