"""The vocabulary of the layers: an RPC, a call of it, and the steps that a call takes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.handler import Handler
from services.server.telemetry.audit_ids import AuditIds


class IdempotencyGuard(Protocol):
    """Carries a call out once; a repeat of it, within the time that it is remembered, is answered alike."""

    def __call__(
        self,
        work: Callable[[], Awaitable[bytes]],
        *,
        caller: str,
        rpc: str,
        request_id: str,
        content_hash: bytes,
        within_s: float,
        resend: bool,
    ) -> Awaitable[bytes]:
        """Return the response of `work`, or of the first call with this caller, RPC and id.

        `work` is carried out within `within_s`, even when this is cancelled. `content_hash` is the SHA-256
        of the request. `resend`: after an unknown outcome the work may be done again.
        """


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a service binds to one of its RPCs."""

    handler: Handler
    operation: str
    """What the RPC is called in an error's metadata `operation`: 1688's id of it, or the RPC's full name."""
    remember: IdempotencyGuard | None = None
    """What remembers calls by their request ids; None: such ids are refused."""
    takes_request_ids: bool = False
    """Whether the handler takes care of request ids itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """One bound RPC, as the layers see it at start."""

    descriptor: MethodDescriptor
    request: type[Message]
    binding: Endpoint

    @classmethod
    def of(cls, descriptor: MethodDescriptor, binding: Endpoint) -> "MethodInfo":
        """The RPC of this descriptor, with the request class that protobuf generates for it."""
        return cls(descriptor=descriptor, request=GetMessageClass(descriptor.input_type), binding=binding)

    @property
    def name(self) -> str:
        """As gRPC's metrics name it: `nationalsite.account.v1.AccountService/RegisterUser`."""
        return f"{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def streams(self) -> bool:
        """Whether a call of it may last: requests, responses or both come as streams."""
        return bool(self.descriptor.client_streaming or self.descriptor.server_streaming)


ServicerContext: TypeAlias = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True)
class CallContext:
    """One call on its way through the layers; each layer fills in what it found."""

    context: ServicerContext
    ids: AuditIds | None = None
    """What is to note the ids of requests. From the layer `audit`, for RPCs that write."""
    identity: str = ""
    """Who calls, where that is known. From the layer `admission`."""
    deadline: float = field(init=False)
    """In the loop's time. From the layer `deadline`."""
    default_deadline: float = field(init=False)
    """What it would be had the caller given none. From the layer `deadline`."""
    request: Message | AsyncIterator[Message] = field(init=False)
    """What the handler is given. From the layer `requests`."""
    begun: bool = False
    """Whether the handler was given it. From the layer `requests`."""
    status: grpc.StatusCode = grpc.StatusCode.OK
    """What the caller is told. From the layer `failures`."""
    reason: str = ""
    """The reason of a failure, without the enum's prefix. From the layer `failures`."""


CallNext: TypeAlias = Callable[[CallContext], Awaitable[bytes]]
"""The rest of a call's way: answers with the serialized response, or raises.

Streamed responses have been sent when it returns, and what it returns means nothing.
"""

Interceptor: TypeAlias = Callable[[MethodInfo, CallNext], CallNext]
"""Made once per RPC at start, around the next step; what can be known before a call is worked out there."""
