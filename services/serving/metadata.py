"""Carries metadata between the wire and whoever answers."""

from services import metadata as carried
from services.serving.rpc import Call, Rpc, Step


def metadata(_rpc: Rpc, step: Step) -> Step:
    """Hands on the request's metadata, and sends what was noted ahead of the response."""

    async def told(call: Call) -> bytes:
        notes = carried.begin(call.context.invocation_metadata() or ())
        response = await step(call)
        if notes:
            await call.context.send_initial_metadata(tuple(notes.items()))
        return response

    return told
