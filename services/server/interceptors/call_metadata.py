"""Metadata: the request's for the handler, the handler's for the response."""

from services import call_metadata
from services.server.call import CallContext, CallNext, MethodInfo


class CallMetadataInterceptor:
    """Binds the metadata of the call to its context (services/call_metadata.py)."""

    def __init__(self, _method: MethodInfo) -> None:
        """All methods are alike."""

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Send the response metadata, if the handler set any, before the response."""
        response_metadata = call_metadata.bind(call.grpc_context.invocation_metadata() or ())
        response = await call_next(call)
        if response_metadata:
            await call.grpc_context.send_initial_metadata(tuple(response_metadata.items()))
        return response
