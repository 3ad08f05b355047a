"""From bytes to what a handler is given: requests that could be read and keep the protos' rules."""

from collections.abc import Callable
from typing import TypeAlias

import grpc.aio
from google.protobuf.message import Message

from services.errors import InvalidRequest, Violation
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.interceptors.request_parser import request_parser
from services.server.interceptors.validation import validator

Read: TypeAlias = Callable[[CallContext, bytes], Message]


def deserialization_interceptor(rpc: MethodInfo, step: CallNext) -> CallNext:
    """Reads the request, or each request of a stream when the handler asks for it.

    Here and not by gRPC, so that a caller that sends none is met by the deadline, and one that sends nonsense
    is told what was expected.
    """
    read = _reader(rpc)

    async def single(call: CallContext) -> bytes:
        payload = await call.context.read()
        if payload is grpc.aio.EOF:
            raise InvalidRequest([Violation(field="", description="no request was sent")])
        call.request = read(call, payload)
        del payload  # a picture's worth
        call.begun = True
        return await step(call)

    async def stream(call: CallContext) -> bytes:
        call.request = _RequestStream(call, read)
        return await step(call)

    return stream if rpc.descriptor.client_streaming else single


def _reader(rpc: MethodInfo) -> Read:
    decode, check = request_parser(rpc), validator(rpc)

    def read(call: CallContext, payload: bytes) -> Message:
        message = decode(payload)
        check(message)
        if call.ids:
            call.ids.note(message)
        return message

    return read


class _RequestStream:
    """The requests of a stream. No generator: where nobody reads on, there is nothing to close."""

    def __init__(self, call: CallContext, read: Read) -> None:
        self._call = call
        self._read = read

    def __aiter__(self) -> "_RequestStream":
        return self

    async def __anext__(self) -> Message:
        payload = await self._call.context.read()
        if payload is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._read(self._call, payload)
