"""Metadata: lets the handler read the request metadata, and set the response metadata.

Response metadata is trailing metadata. So it is in the same place after a success and after an error, and an
error stays a response without headers: clients do not retry a call once they have received headers.
"""

from services import call_metadata
from services.errors import NO_DIALECT
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.interceptors.dialect import DIALECT_KEY


class CallMetadataInterceptor:
    """Binds the metadata of the call to its task (services/call_metadata.py)."""

    def __init__(self, method: MethodInfo) -> None:
        dialect = method.endpoint.origin.dialect
        self._initial_response_metadata = {} if dialect == NO_DIALECT else {DIALECT_KEY: dialect}

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Send the response metadata after the response. ErrorMappingInterceptor sends it with an error."""
        call.response_metadata = call_metadata.bind(call.request_metadata)
        call.response_metadata.update(self._initial_response_metadata)
        response = await call_next(call)
        if call.response_metadata:
            call.grpc_context.set_trailing_metadata(tuple(call.response_metadata.items()))
        return response
