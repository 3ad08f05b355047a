"""Deserialization: from bytes to valid requests."""

import grpc.aio
from google.protobuf.message import DecodeError, Message

from services.errors import InvalidRequest, Violation
from services.server.call import CallContext, CallNext, MethodInfo
from services.validation import RequestValidator


class DeserializationInterceptor:
    """Reads the request, or gives the handler a stream of requests.

    gRPC itself does not deserialize. So the deadline also ends a call whose caller sends no request, and the
    error for a malformed request has details.
    """

    def __init__(self, method: MethodInfo) -> None:
        """Raises StartupError if a validation rule does not compile."""
        self._deserializer = RequestDeserializer(method)
        self._client_streaming = method.descriptor.client_streaming

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise InvalidRequest for a request that is malformed, invalid or missing."""
        if self._client_streaming:
            call.request = RequestStream(call, self._deserializer)
            return await call_next(call)
        payload = await call.grpc_context.read()
        if payload is grpc.aio.EOF:
            raise InvalidRequest([Violation(field="", description="no request was sent")])
        call.request = self._deserializer.deserialize(call, payload)
        del payload  # it may be an image, and the call may be long
        call.handler_started = True
        return await call_next(call)


class RequestDeserializer:
    """Deserializes and validates the requests of a method."""

    def __init__(self, method: MethodInfo) -> None:
        self._parse = method.request_class.FromString
        self._malformed = Violation(field="", description=f"not a {method.descriptor.input_type.full_name}")
        self._validate = RequestValidator(method.name, method.request_class).validate

    def deserialize(self, call: CallContext, payload: bytes) -> Message:
        """Return a valid request, and record its ids for the audit. Raises InvalidRequest."""
        try:
            request = self._parse(payload)
        except DecodeError:
            # Without the cause: protobuf's message can quote the bytes.
            raise InvalidRequest([self._malformed]) from None
        self._validate(request)
        if call.audit_ids:
            call.audit_ids.record(request)
        return request


class RequestStream:
    """The requests of a stream. It is not a generator: a handler that stops reading need not close it."""

    def __init__(self, call: CallContext, deserializer: RequestDeserializer) -> None:
        self._call = call
        self._deserializer = deserializer

    def __aiter__(self) -> "RequestStream":
        return self

    async def __anext__(self) -> Message:
        payload = await self._call.grpc_context.read()
        if payload is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._deserializer.deserialize(self._call, payload)
