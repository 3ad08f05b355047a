"""The details of a failed call: its reason, and everything else that the service sent."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from nationalsite.errors import v1 as errors_v1

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DOMAIN = "nationalsite"
"""Of the reasons of the services. Proxies have reasons of their own."""
_DetailT = TypeVar("_DetailT", bound=Message)
_UNSPECIFIED = errors_v1.ERROR_REASON_UNSPECIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """A request field that breaks a rule."""

    field: str
    """Path in the request, such as `sort.order`."""
    description: str
    """For people."""
    reason: str
    """The rule, for programs, such as `STRING_MAX_LEN`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetails:
    """The status of a failed call, or of one failed result, with its details."""

    code: grpc.StatusCode
    message: str
    """For people. Programs decide by the reason."""
    reason: errors_v1.ErrorReason.ValueType = _UNSPECIFIED
    """ERROR_REASON_UNSPECIFIED if gRPC itself failed, or if the reason is newer than these stubs."""
    reason_name: str = ""
    """The reason as it was sent, such as `ERROR_REASON_OFFER_NOT_FOUND`. Empty if gRPC itself failed, or a
    proxy."""
    retry: errors_v1.Retry.ValueType = errors_v1.RETRY_UNSPECIFIED
    """Whether a retry makes sense, by the rule of the reason. RETRY_UNSPECIFIED if the reason is."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Metadata of ErrorInfo: `source`, `operation`, `dialect`, 1688's own `upstreamCode` and
    `upstreamMessage`, and what else the rule of the reason lists."""
    field_violations: tuple[FieldViolation, ...] = ()
    retry_delay_s: float | None = None
    """How long to wait before a retry. None if the service does not say."""
    pushback_s: float | None = None
    """The retry delay that gRPC's own retries obey; negative means do not retry. None if there is none."""
    details: tuple[Message, ...] = ()
    """All details of a known type, in the order in which they were sent."""

    @property
    def may_repeat(self) -> bool:
        """Whether the same call is safe to make again, as far as the error says.

        By the rule of the reason, or by RetryInfo if the reason is newer than these stubs. An error without a
        reason is not from the service: then only UNAVAILABLE, unless a pushback forbids it. Such a call may
        have been executed: `call_with_retries` repeats it only if that does no harm.
        """
        if self.retry != errors_v1.RETRY_UNSPECIFIED:
            return self.retry == errors_v1.RETRY_AFTER_DELAY
        if self.reason_name:
            return self.retry_delay_s is not None
        is_forbidden = self.pushback_s is not None and self.pushback_s < 0
        return self.code is grpc.StatusCode.UNAVAILABLE and not is_forbidden


def parse_error(error: grpc.RpcError) -> ErrorDetails:
    """Return the details of a call's error, from `grpc` or `grpc.aio`."""
    call: Any = error  # the types of grpc and grpc.aio have nothing in common
    trailers = dict(call.trailing_metadata() or ())
    status = _decode_status(trailers.get("grpc-status-details-bin", b""))
    pushback_s = _parse_pushback_s(trailers.get("grpc-retry-pushback-ms"))
    return _build_details(call.code(), call.details() or "", status, pushback_s)


def parse_status(status: status_pb2.Status) -> ErrorDetails | None:
    """Return the details of the status of one result of WriteOrderRelations, or None if it is OK."""
    if not status.code:
        return None
    return _build_details(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status, None)


def _decode_status(encoded: bytes) -> status_pb2.Status:
    """Return the status of the trailer, or an empty one if something else was sent."""
    try:
        return status_pb2.Status.FromString(encoded)
    except DecodeError:
        return status_pb2.Status()


def _parse_pushback_s(milliseconds: str | None) -> float | None:
    """Like gRPC's own retries, take anything but a number for "do not retry"."""
    try:
        return None if milliseconds is None else int(milliseconds) / 1000
    except ValueError:
        return -0.001


def _build_details(
    code: grpc.StatusCode, message: str, status: status_pb2.Status, pushback_s: float | None
) -> ErrorDetails:
    details = [detail for packed in status.details if (detail := _unpack(packed))]
    infos = _find_all(details, error_details_pb2.ErrorInfo)
    info = next((info for info in infos if info.domain == _DOMAIN), error_details_pb2.ErrorInfo())
    retry = next(_find_all(details, error_details_pb2.RetryInfo), None)
    bad_request = next(_find_all(details, error_details_pb2.BadRequest), error_details_pb2.BadRequest())
    known = errors_v1.ErrorReason.DESCRIPTOR.values_by_name.get(info.reason)
    return ErrorDetails(
        code=code,
        message=message,
        reason=errors_v1.ErrorReason.Value(info.reason) if known else _UNSPECIFIED,
        reason_name=info.reason,
        retry=known.GetOptions().Extensions[errors_v1.rule].retry if known else errors_v1.RETRY_UNSPECIFIED,
        metadata=dict(info.metadata),
        field_violations=tuple(
            FieldViolation(field=violation.field, description=violation.description, reason=violation.reason)
            for violation in bad_request.field_violations
        ),
        retry_delay_s=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
        pushback_s=pushback_s,
        details=tuple(details),
    )


def _unpack(packed: any_pb2.Any) -> Message | None:
    """Return a detail; None if its type is not known, or if it cannot be decoded."""
    message_class = getattr(error_details_pb2, packed.TypeName().rpartition(".")[2], None)
    if message_class and packed.Is(message_class.DESCRIPTOR):
        with suppress(DecodeError):
            return cast("Message", message_class.FromString(packed.value))
    return None


def _find_all(details: Iterable[Message], message_class: type[_DetailT]) -> Iterator[_DetailT]:
    return (detail for detail in details if isinstance(detail, message_class))
