"""From an error to its status: code, message and google.rpc details, within the size limit of trailers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

# googleapis-common-protos ships stubs, and no py.typed to say so.
from google.rpc import error_details_pb2, status_pb2
from nationalsite.errors import v1 as errors_v1

from services.errors import NationalsiteError, RequestError, UpstreamError, Violation

DOMAIN = "nationalsite"
_PREFIX = "ERROR_REASON_"
_CODES = {code.value[0]: code for code in grpc.StatusCode}

STATUS_BY_REASON: Mapping[str, grpc.StatusCode] = MappingProxyType(
    {
        value.name.removeprefix(_PREFIX): _CODES[value.GetOptions().Extensions[errors_v1.status]]
        for value in errors_v1.ErrorReason.DESCRIPTOR.values
        if value.number != errors_v1.ERROR_REASON_UNSPECIFIED
    }
)
"""From the options of the enum ErrorReason."""

RETRY_AFTER_MS: Mapping[str, int] = MappingProxyType(
    {
        "DRAINING": 100,  # another replica can accept the call
        "OVERLOADED": 500,
        "REQUEST_IN_PROGRESS": 1000,
        "STORE_UNAVAILABLE": 1000,
        "UPSTREAM_FAULT": 1000,
        "UPSTREAM_RATE": 1000,
        "UPSTREAM_UNAVAILABLE": 1000,
    }
)
"""By reason: how long to wait before a retry. The other reasons have no recommended delay."""

NON_RETRYABLE = frozenset({"OUTCOME_UNKNOWN", "UPSTREAM_QUOTA"})
"""Reasons after which the retry policy of a client must not retry."""

# A caller's gRPC rejects metadata above 8 KiB, so all trailers together stay below 7 KiB. On the wire the
# message can triple (percent-encoding), and the details, which contain it, grow by a third (base64).
_MAX_MESSAGE_BYTES = 512
_MAX_UPSTREAM_MESSAGE_BYTES = 1024
_MAX_NAME_BYTES = 192
_MAX_VIOLATIONS_BYTES = 2400


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStatus:
    """The arguments of grpc.aio's `abort`."""

    status: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def to_rich_status(error: NationalsiteError, operation: str) -> status_pb2.Status:
    """Return an error during `operation` as a google.rpc.Status with details."""
    status = status_pb2.Status(
        code=STATUS_BY_REASON[error.reason].value[0], message=_truncate(str(error), _MAX_MESSAGE_BYTES)
    )
    for detail in _build_details(error, operation):
        status.details.add().Pack(detail)
    return status


def to_error_status(error: NationalsiteError, operation: str) -> ErrorStatus:
    """Return the status of a call that failed with an error during `operation`."""
    rich_status = to_rich_status(error, operation)
    return ErrorStatus(
        status=STATUS_BY_REASON[error.reason],
        message=rich_status.message,
        trailers=(
            ("grpc-status-details-bin", rich_status.SerializeToString()),
            *_retry_pushback(error.reason),
        ),
    )


def _build_details(error: NationalsiteError, operation: str) -> Iterator[Message]:
    info = error_details_pb2.ErrorInfo(reason=_PREFIX + error.reason, domain=DOMAIN)
    info.metadata.update(_build_metadata(error, operation))
    yield info
    if isinstance(error, RequestError):
        yield _build_bad_request(error.violations)
    if error.reason == "UPSTREAM_QUOTA":
        quota = error_details_pb2.QuotaFailure()
        quota.violations.add(
            subject=info.metadata["operation"], description=_truncate(str(error), _MAX_MESSAGE_BYTES)
        )
        yield quota
    if error.reason in RETRY_AFTER_MS:
        delay = Duration()
        delay.FromMilliseconds(RETRY_AFTER_MS[error.reason])
        yield error_details_pb2.RetryInfo(retry_delay=delay)


def _build_metadata(error: NationalsiteError, operation: str) -> dict[str, str]:
    metadata = {"source": error.source, "operation": _truncate(operation, _MAX_NAME_BYTES)}
    if isinstance(error, UpstreamError):
        upstream = {
            "code": _truncate(error.code, _MAX_NAME_BYTES),
            "message": _truncate(error.upstream_message, _MAX_UPSTREAM_MESSAGE_BYTES),
            "upstream_request_id": _truncate(error.request_id, _MAX_NAME_BYTES),
        }
        metadata |= {key: value for key, value in upstream.items() if value}
    return metadata


def _build_bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    """Return as many violations as the size limit allows. The message has the first ones too."""
    detail = error_details_pb2.BadRequest()
    for violation in violations:
        detail.field_violations.add(
            field=_truncate(violation.field, _MAX_NAME_BYTES),
            description=_truncate(violation.description, _MAX_MESSAGE_BYTES),
        )
        if detail.ByteSize() > _MAX_VIOLATIONS_BYTES:
            del detail.field_violations[-1]
            break
    return detail


def _retry_pushback(reason: str) -> tuple[tuple[str, str], ...]:
    if reason in NON_RETRYABLE:
        return (("grpc-retry-pushback-ms", "-1"),)
    if reason in RETRY_AFTER_MS:
        return (("grpc-retry-pushback-ms", str(RETRY_AFTER_MS[reason])),)
    return ()


def _truncate(text: str, max_bytes: int) -> str:
    """Truncate to at most `max_bytes` of UTF-8, in whole characters. A lone surrogate becomes `?`."""
    return text.encode(errors="replace")[:max_bytes].decode(errors="ignore")
