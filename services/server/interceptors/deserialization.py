"""Deserialization: from bytes to valid requests."""

from contextlib import AsyncExitStack

import grpc.aio
from google.protobuf.message import DecodeError, Message

from services.caller import current_queue_owner
from services.errors import InvalidRequest, Violation
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.request_memory import RequestMemory
from services.validation import RequestValidator, get_request_bounds, reject_nul_characters

MAX_SMALL_BYTES = 64 * 2**10
"""Of the requests of streams that need no reservation: as much arrives of each call that is not read."""


class DeserializationInterceptor:
    """Reads the request, or gives the handler a stream of requests.

    This interceptor, not gRPC, reads and deserializes requests. So a request is read only when there is
    memory for it, a call whose caller sends no request ends, and the error for a malformed request has
    details.
    """

    def __init__(self, method: MethodInfo, *, memory: RequestMemory) -> None:
        """`memory` is that of all methods. Raises StartupError if a validation rule does not compile."""
        self._memory = memory
        self._deserializer = RequestDeserializer(method)
        self._client_streaming = method.descriptor.client_streaming

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise InvalidRequest for a request that is malformed, invalid or missing.

        Raises Overloaded if too many requests of the caller wait to be read, and DeadlineExceeded if this one
        waits too long. The requests of streams wait after they have arrived, before they are parsed.
        """
        timeout = call.timeout
        assert timeout is not None  # noqa: S101 # DeadlineInterceptor is before this one
        if self._client_streaming:
            timeout.limit_handling()
            async with AsyncExitStack() as held:
                call.request = RequestStream(call, self._deserializer, self._memory, held)
                return await call_next(call)
        async with self._memory.reserve(current_queue_owner(), call.deadline) as reservation:
            timeout.limit_arrival()
            payload = await call.grpc_context.read()
            timeout.limit_handling()
            if payload is grpc.aio.EOF:
                raise InvalidRequest(
                    [Violation(field="", description="no request was sent", reason="REQUIRED")]
                )
            reservation.keep(len(payload))
            request = self._deserializer.parse(payload)
            del payload  # it may contain an image: validating it and sending it copies it again
            call.request = self._deserializer.validate(call, request)
            call.handler_started = True
            return await call_next(call)


class RequestDeserializer:
    """Deserializes and validates the requests of a method."""

    def __init__(self, method: MethodInfo) -> None:
        self._check_bounds = get_request_bounds(method.descriptor.input_type).check
        self._parse = method.request_class.FromString
        self._is_read_only = method.is_read_only
        self._malformed = Violation(
            field="", description=f"not a {method.descriptor.input_type.full_name}", reason="MALFORMED"
        )
        self._validate = RequestValidator(method.name, method.request_class).validate

    def parse(self, payload: bytes) -> Message:
        """Return the request, which can be invalid. Raises InvalidRequest if it cannot be validated."""
        try:
            self._check_bounds(payload)
            request = self._parse(payload)
        except DecodeError:
            # Without the cause: protobuf's message can quote the bytes.
            raise InvalidRequest([self._malformed]) from None
        # Nothing reads them, but they would be stored with a delivery, and be part of keys and hashes.
        request.DiscardUnknownFields()
        if b"\0" in payload:
            reject_nul_characters(request)
        return request

    def validate(self, call: CallContext, request: Message) -> Message:
        """Return the request if it is valid, and record its ids for the audit. Raises InvalidRequest."""
        self._validate(request)
        if call.first_request is None:
            call.first_request = request
        if call.audit_ids and (call.is_operator or not self._is_read_only):
            call.audit_ids.record(request)
        return request


class RequestStream:
    """The requests of a stream. It is not a generator: a handler that stops reading need not close it."""

    def __init__(
        self,
        call: CallContext,
        deserializer: RequestDeserializer,
        memory: RequestMemory,
        held: AsyncExitStack,
    ) -> None:
        """`held` is open while the stream is, and has the memory of the last request."""
        self._call = call
        self._deserializer = deserializer
        self._memory = memory
        self._owner = current_queue_owner()
        self._held = held

    def __aiter__(self) -> "RequestStream":
        return self

    async def __anext__(self) -> Message:
        """Raise InvalidRequest, and Overloaded if too many requests of the caller wait for memory."""
        await self._held.aclose()
        payload = await self._call.grpc_context.read()
        if payload is grpc.aio.EOF:
            raise StopAsyncIteration
        if len(payload) > MAX_SMALL_BYTES:
            # A stream waits for its next request as long as it is open. So it cannot reserve memory before.
            reservation = self._memory.reserve(self._owner, self._call.deadline)
            await self._held.enter_async_context(reservation)
            reservation.keep(len(payload))
        return self._deserializer.validate(self._call, self._deserializer.parse(payload))
