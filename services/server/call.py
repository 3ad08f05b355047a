"""What interceptors work with: the method of a call, its endpoint, its context; and their own interface."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import Any, Protocol, TypeAlias

import grpc.aio
import msgspec
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.errors import ErrorOrigin
from services.handler import DialectReporter, Handler
from services.server.call_timeout import CallTimeout
from services.server.telemetry.audit_ids import AuditIds


class IdempotencyGuard(Protocol):
    """Executes a call once. Retries of the call get the response of the first call."""

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
        resource_id: str = "",
        search: Callable[[int], Awaitable[bytes | None]] | None = None,
    ) -> Awaitable[bytes]:
        """Return the response of `work`, or of the first call with this caller, RPC and id.

        `work` may take `timeout_s`. It continues when this call is cancelled, unless it has not begun.
        `content_hash` is the SHA-256 of the request. `is_idempotent`: whether the work may be executed again
        after an unknown outcome. `resource_id` and `search` are those of the method's `Creation`.
        """


@dataclass(frozen=True, slots=True)
class Creation:
    """A method that creates something under an id that its caller chooses, and by which it can be found."""

    id_field: str
    """The request field with the id."""
    search: Callable[[Any, int], Awaitable[bytes | None]]
    """Looks for what a call created whose outcome is unknown; returns the response, None if nothing is found.

    It gets the request, and the time in milliseconds since the epoch at which the call started."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler that a service binds to one of its methods."""

    handler: Handler
    origin: ErrorOrigin
    """The origin of the errors of its calls."""
    report_dialect: DialectReporter | None = None
    """Describes how the dialect serves a request; None if the method calls no operation of 1688."""
    idempotency_guard: IdempotencyGuard | None = None
    """Stores responses by request id. A method whose requests have such an id does not start without one."""
    handles_idempotency: bool = False
    """Whether the handler itself, and not the interceptor, handles request ids."""
    creation: Creation | None = None
    """None if the method creates nothing that can be found by an id in the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """A method with its endpoint. Interceptors read it once, at start."""

    descriptor: MethodDescriptor
    endpoint: Endpoint

    @property
    def name(self) -> str:
        """The name as in gRPC's metrics: `nationalsite.account.v1.AccountService/RegisterUser`."""
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
    def has_generator(self) -> bool:
        """Whether the handler generates its responses, or its only response, and the invoker sends them."""
        return bool(self.descriptor.server_streaming) or isasyncgenfunction(self.endpoint.handler)

    @property
    def is_read_only(self) -> bool:
        """Whether the method has no side effects."""
        return self.descriptor.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS

    @property
    def is_idempotent(self) -> bool:
        """Whether the method may be executed again after an unknown outcome."""
        return self.descriptor.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN


ServicerContext: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class CallContext(msgspec.Struct):
    """The state of one call. Interceptors set the fields. Each context gets its own copy of a default."""

    grpc_context: ServicerContext
    request_metadata: Iterable[tuple[str, str | bytes]] = ()
    """All pairs of key and value; a key can occur more than once."""
    trace_ids: Mapping[str, str] | None = None
    """The ids of the call's span, for log lines. Set by TracingInterceptor."""
    audit_ids: AuditIds | None = None
    """Collects the ids in the requests, for the audit log. Set by AuditInterceptor."""
    identity: str = ""
    """The caller's identity, if it is known. Set by AuthorizationInterceptor."""
    is_operator: bool = False
    """Whether the call may concern what belongs to other callers. Set by AuthorizationInterceptor."""
    deadline: float = 0.0
    """In the event loop's time. Set by DeadlineInterceptor."""
    default_deadline: float = 0.0
    """The deadline of this call if its caller had set none. Set by DeadlineInterceptor."""
    timeout: CallTimeout | None = None
    """Gets to know when the request is being read, and when it has arrived. Set by DeadlineInterceptor."""
    request: Message | AsyncIterator[Message] | None = None
    """The argument of the handler. Set by DeserializationInterceptor; None again once the call has failed."""
    first_request: Message | None = None
    """The request, or the first one of a stream; None until it is valid, and once the call has failed. Set by
    RequestDeserializer."""
    handler_started: bool = False
    """Whether the handler may have started. Set by DeserializationInterceptor if there is one request."""
    response_metadata: dict[str, str] = {}
    """Is sent as trailing metadata, with an error too. Set by CallMetadataInterceptor."""
    status: grpc.StatusCode = grpc.StatusCode.OK
    """The status that the caller gets. Set by ErrorMappingInterceptor."""
    reason: str = ""
    """The reason of a failure, without the enum's prefix. Set by ErrorMappingInterceptor."""

    @property
    def limited_caller(self) -> str:
        """Whose calls and streams are limited together: the identity, or the host of a caller without one."""
        return self.identity or self.grpc_context.peer().rpartition(":")[0]


class CallNext(Protocol):
    """The rest of the chain: the inner interceptors, and at the end the handler."""

    def __call__(self, call: CallContext, /) -> Awaitable[bytes]:
        """Return the serialized response, or raise.

        If the handler generates responses, this sends them and returns empty bytes.
        """


class Interceptor(Protocol):
    """Handles one concern, such as metrics, of every call of a method. Streams use the same interface."""

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Handle the call: pass it to `call_next`, or raise."""


class InterceptorFactory(Protocol):
    """Builds the interceptor of a method, once, at start. What is equal for all calls is computed here."""

    def __call__(self, method: MethodInfo, /) -> Interceptor | None:
        """Return None if the method does not need the interceptor. Raises StartupError."""
