"""What a failed call tells: the reason, and what came with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # no py.typed
from nationalsite.errors import v1 as errors_v1

_STATUSES = {code.value[0]: code for code in grpc.StatusCode}
_NO_REASON = errors_v1.ERROR_REASON_UNSPECIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A field that breaks a rule."""

    field: str
    """Its path in the request, such as `sort.order`."""
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed call, or one result that is none."""

    status: grpc.StatusCode
    message: str
    """For people; act by the reason."""
    reason: errors_v1.ErrorReason.ValueType = _NO_REASON
    """ERROR_REASON_UNSPECIFIED where gRPC itself failed, and where the reason is newer than these stubs."""
    reason_name: str = ""
    """As it came, such as `ERROR_REASON_OFFER_NOT_FOUND`; empty where gRPC itself failed."""
    info: Mapping[str, str] = field(default_factory=dict)
    """What ErrorInfo adds: `source`, `operation`, and 1688's own `code` and `message`."""
    violations: tuple[Violation, ...] = ()
    retry_delay_s: float | None = None
    """After how many seconds a repeat may help; None: the service does not say."""
    pushback_s: float | None = None
    """The same as gRPC's own retries read it: negative = never repeat."""
    details: tuple[Message, ...] = ()
    """All details of a known type, in their order."""


def failure(error: grpc.RpcError) -> Failure:
    """Return what an error of a call tells, of `grpc` and of `grpc.aio` alike."""
    told: Any = error  # grpc.aio's metadata is of another type
    trailers = dict(told.trailing_metadata() or ())
    status = _status(trailers.get("grpc-status-details-bin", b""))
    pushback_ms = trailers.get("grpc-retry-pushback-ms")
    return _failure(
        error.code(),
        error.details() or "",
        status,
        None if pushback_ms is None else int(pushback_ms) / 1000,
    )


def failed_result(status: status_pb2.Status) -> Failure | None:
    """Return what one result of WriteOrderRelations tells; None where it is OK."""
    if not status.code:
        return None
    return _failure(_STATUSES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status, None)


def _status(raw: bytes) -> status_pb2.Status:
    """Return the rich status; an empty one where somebody on the way sent what is none."""
    try:
        return status_pb2.Status.FromString(raw)
    except DecodeError:
        return status_pb2.Status()


def _failure(
    code: grpc.StatusCode, message: str, rich: status_pb2.Status, pushback_s: float | None
) -> Failure:
    details = {}
    for packed in rich.details:
        kind = getattr(error_details_pb2, packed.TypeName().rpartition(".")[2], None)
        if kind and packed.Is(kind.DESCRIPTOR):
            details[kind] = kind.FromString(packed.value)
    info = details.get(error_details_pb2.ErrorInfo, error_details_pb2.ErrorInfo())
    retry = details.get(error_details_pb2.RetryInfo)
    bad_request = details.get(error_details_pb2.BadRequest, error_details_pb2.BadRequest())
    return Failure(
        status=code,
        message=message,
        reason=dict(errors_v1.ErrorReason.items()).get(info.reason, _NO_REASON),
        reason_name=info.reason,
        info=dict(info.metadata),
        violations=tuple(
            Violation(field=each.field, description=each.description) for each in bad_request.field_violations
        ),
        retry_delay_s=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
        pushback_s=pushback_s,
        details=tuple(details.values()),
    )
