"""What a caller is told of a failure: a status, a message and google.rpc details, small enough to arrive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

# googleapis-common-protos ships stubs, and no py.typed to say so.
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from nationalsite.errors import v1 as errors_v1

from services.errors import NationalsiteError, RequestError, UpstreamError, Violation

DOMAIN = "nationalsite"
_PREFIX = "ERROR_REASON_"
_CODES = {code.value[0]: code for code in grpc.StatusCode}

STATUS: Mapping[str, grpc.StatusCode] = MappingProxyType(
    {
        value.name.removeprefix(_PREFIX): _CODES[value.GetOptions().Extensions[errors_v1.status]]
        for value in errors_v1.ErrorReason.DESCRIPTOR.values
        if value.number != errors_v1.ERROR_REASON_UNSPECIFIED
    }
)
"""Reason -> status, as the enum's own options say."""

RETRY_AFTER_MS: Mapping[str, int] = MappingProxyType(
    {
        "DRAINING": 100,  # another replica answers
        "OVERLOADED": 500,
        "REQUEST_IN_PROGRESS": 1000,
        "STORE_UNAVAILABLE": 1000,
        "UPSTREAM_FAULT": 1000,
        "UPSTREAM_RATE": 1000,
        "UPSTREAM_UNAVAILABLE": 1000,
    }
)
"""Reason -> how long to wait before a repeat, for those where a repeat may help."""

NON_RETRYABLE = frozenset({"OUTCOME_UNKNOWN", "UPSTREAM_QUOTA"})
"""Reasons after which a client's own retry policy must not repeat either."""

# A caller's gRPC refuses metadata above 8 KiB: all trailers together stay below 7. On the way the message can
# grow threefold (percent-encoding), and the details, which repeat it, by a third (base64).
_MESSAGE_BYTES = 512
_UPSTREAM_TEXT_BYTES = 1024
_NAME_BYTES = 192
_VIOLATIONS_BYTES = 2400


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStatus:
    """The end of a failed call, as grpc.aio's `abort` takes it."""

    status: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def to_rich_status(error: NationalsiteError, operation: str) -> status_pb2.Status:
    """An error of our tree during `operation` as google.rpc.Status, with its details."""
    rich = status_pb2.Status(code=STATUS[error.reason].value[0], message=_cut(str(error), _MESSAGE_BYTES))
    for detail in _details(error, operation):
        rich.details.add().Pack(detail)
    return rich


def to_error_status(error: NationalsiteError, operation: str) -> ErrorStatus:
    """The answer for an error of our tree during `operation`."""
    rich = to_rich_status(error, operation)
    return ErrorStatus(
        status=STATUS[error.reason],
        message=rich.message,
        trailers=(("grpc-status-details-bin", rich.SerializeToString()), *_pushback(error.reason)),
    )


def _details(error: NationalsiteError, operation: str) -> Iterator[Message]:
    info = error_details_pb2.ErrorInfo(reason=_PREFIX + error.reason, domain=DOMAIN)
    info.metadata.update(_metadata(error, operation))
    yield info
    if isinstance(error, RequestError):
        yield _bad_request(error.violations)
    if error.reason == "UPSTREAM_QUOTA":
        quota = error_details_pb2.QuotaFailure()
        quota.violations.add(subject=info.metadata["operation"], description=_cut(str(error), _MESSAGE_BYTES))
        yield quota
    if error.reason in RETRY_AFTER_MS:
        delay = Duration()
        delay.FromMilliseconds(RETRY_AFTER_MS[error.reason])
        yield error_details_pb2.RetryInfo(retry_delay=delay)


def _metadata(error: NationalsiteError, operation: str) -> dict[str, str]:
    metadata = {"source": error.source, "operation": _cut(operation, _NAME_BYTES)}
    if isinstance(error, UpstreamError):
        upstream = {
            "code": _cut(error.code, _NAME_BYTES),
            "message": _cut(error.upstream_message, _UPSTREAM_TEXT_BYTES),
            "upstream_request_id": _cut(error.request_id, _NAME_BYTES),
        }
        metadata |= {key: value for key, value in upstream.items() if value}
    return metadata


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    """As many violations as there is room for; the message says the first ones too."""
    detail = error_details_pb2.BadRequest()
    for violation in violations:
        detail.field_violations.add(
            field=_cut(violation.field, _NAME_BYTES), description=_cut(violation.description, _MESSAGE_BYTES)
        )
        if detail.ByteSize() > _VIOLATIONS_BYTES:
            del detail.field_violations[-1]
            break
    return detail


def _pushback(reason: str) -> tuple[tuple[str, str], ...]:
    if reason in NON_RETRYABLE:
        return (("grpc-retry-pushback-ms", "-1"),)
    if reason in RETRY_AFTER_MS:
        return (("grpc-retry-pushback-ms", str(RETRY_AFTER_MS[reason])),)
    return ()


def _cut(text: str, limit: int) -> str:
    """The text within `limit` bytes of UTF-8, in whole characters; a lone surrogate becomes `?`."""
    return text.encode(errors="replace")[:limit].decode(errors="ignore")
