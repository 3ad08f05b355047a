"""The parts of a call: its method, its endpoint, its context, and the interface of its interceptors."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.handler import Handler
from services.server.telemetry.audit_ids import AuditIds


class IdempotencyGuard(Protocol):
    """Executes a call once. Its retries get the response of the first call."""

    def __call__(
        self,
        work: Callable[[], Awaitable[bytes]],
        *,
        caller: str,
        rpc: str,
        request_id: str,
        content_hash: bytes,
        timeout_s: float,
        is_idempotent: bool,
    ) -> Awaitable[bytes]:
        """Return the response of `work`, or of the first call with this caller, RPC and id.

        `work` is executed within `timeout_s`, even when this call is cancelled. `content_hash` is the SHA-256
        of the request. `is_idempotent`: after an unknown outcome the work may be executed again.
        """


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler that a service binds to one of its methods."""

    handler: Handler
    operation: str
    """The `operation` in the metadata of errors: 1688's id of it, or the full name of the method."""
    idempotency_guard: IdempotencyGuard | None = None
    """Stores responses by request id. None: a call with a request id is rejected."""
    handles_idempotency: bool = False
    """Whether the handler itself handles request ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """A method with its endpoint. Interceptors read it once, at start."""

    descriptor: MethodDescriptor
    endpoint: Endpoint

    @property
    def name(self) -> str:
        """As in gRPC's metrics: `nationalsite.account.v1.AccountService/RegisterUser`."""
        return f"{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def request_class(self) -> type[Message]:
        """The generated class of requests."""
        return GetMessageClass(self.descriptor.input_type)

    @property
    def is_streaming(self) -> bool:
        """Whether requests, responses or both are streams: such a call has no default deadline."""
        return bool(self.descriptor.client_streaming or self.descriptor.server_streaming)

    @property
    def is_read_only(self) -> bool:
        """Whether the method has no side effects."""
        return self.descriptor.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS

    @property
    def is_idempotent(self) -> bool:
        """Whether the method may be executed again after an unknown outcome."""
        return self.descriptor.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN


ServicerContext: TypeAlias = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True)
class CallContext:
    """The state of one call. Interceptors set the fields."""

    grpc_context: ServicerContext
    audit_ids: AuditIds | None = None
    """Collects the ids in the requests, for a method that writes. From AuditInterceptor."""
    identity: str = ""
    """The caller, if it is known. From AuthorizationInterceptor."""
    deadline: float = field(init=False)
    """In the loop's time. From DeadlineInterceptor."""
    default_deadline: float = field(init=False)
    """The deadline for a caller that sets none. From DeadlineInterceptor."""
    request: Message | AsyncIterator[Message] = field(init=False)
    """The argument of the handler. From DeserializationInterceptor."""
    handler_started: bool = False
    """Whether the handler may have started. From DeserializationInterceptor."""
    status: grpc.StatusCode = grpc.StatusCode.OK
    """The status that the caller gets. From ErrorMappingInterceptor."""
    reason: str = ""
    """The reason of a failure, without the enum's prefix. From ErrorMappingInterceptor."""


class CallNext(Protocol):
    """The rest of the chain: the inner interceptors, and at the end the handler."""

    def __call__(self, call: CallContext, /) -> Awaitable[bytes]:
        """Return the serialized response, or raise.

        Streamed responses are sent before it returns, and its result is then empty.
        """


class Interceptor(Protocol):
    """One concern of each call of a method, whether the method streams or not."""

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Handle the call: pass it to `call_next`, or raise."""


class InterceptorFactory(Protocol):
    """Builds the interceptor of a method, once, at start. An interceptor computes then what it can."""

    def __call__(self, method: MethodInfo, /) -> Interceptor | None:
        """Return None if the method does not need the interceptor. Raises StartupError."""
