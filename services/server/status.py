"""From an error to its status: code, message and google.rpc details, within the size limit of trailers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import grpc
import structlog
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

# googleapis-common-protos ships stubs, and no py.typed to say so.
from google.rpc import error_details_pb2, status_pb2

from services.errors import ErrorOrigin, NationalsiteError, RequestError, UpstreamError, Violation
from services.server.reason_rules import REASON_PREFIX, REASON_RULES, ReasonRule

DOMAIN = "nationalsite"

# A caller's gRPC rejects metadata above 8 KiB, so all trailers together stay below 7 KiB. On the wire the
# message can triple (percent-encoding), and the details, which contain it, grow by a third (base64).
_MAX_MESSAGE_BYTES = 512
_MAX_VALUE_BYTES = 192
_MAX_LONG_VALUE_BYTES = 1024
_LONG_VALUES = frozenset({"upstreamMessage", "topics"})
_MAX_VIOLATIONS_BYTES = 2400

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStatus:
    """The arguments of grpc.aio's `abort`."""

    status: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def to_rich_status(
    error: NationalsiteError, origin: ErrorOrigin, request: Message | None = None
) -> status_pb2.Status:
    """Return an error as a google.rpc.Status with details.

    `origin` applies if the error has none of its own. The metadata is filled up from the fields of `request`.
    """
    rule = REASON_RULES[error.reason]
    message = _truncate(str(error), _MAX_MESSAGE_BYTES)
    metadata = _build_metadata(error, rule, error.origin or origin, request)
    info = error_details_pb2.ErrorInfo(
        reason=REASON_PREFIX + error.reason, domain=DOMAIN, metadata=_truncate_values(metadata)
    )
    details = [info, *_build_details(error, rule, message, metadata["operation"])]
    deviations = rule.find_deviations(metadata, (detail.DESCRIPTOR.name for detail in details))
    if deviations:  # a bug, but the error is still useful to its caller
        _log.error("error_breaks_its_rule", reason=error.reason, deviations=deviations)
    status = status_pb2.Status(code=rule.status.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return status


def to_error_status(
    error: NationalsiteError, origin: ErrorOrigin, request: Message | None = None
) -> ErrorStatus:
    """Return the status of a call that failed with an error."""
    rich_status = to_rich_status(error, origin, request)
    rule = REASON_RULES[error.reason]
    pushback = () if rule.pushback_ms is None else (("grpc-retry-pushback-ms", str(rule.pushback_ms)),)
    return ErrorStatus(
        status=rule.status,
        message=rich_status.message,
        trailers=(("grpc-status-details-bin", rich_status.SerializeToString()), *pushback),
    )


def _build_details(
    error: NationalsiteError, rule: ReasonRule, message: str, operation: str
) -> Iterator[Message]:
    if isinstance(error, RequestError):
        yield _build_bad_request(error.violations)
    if "QuotaFailure" in rule.details:
        quota = error_details_pb2.QuotaFailure()
        quota.violations.add(subject=_truncate(operation, _MAX_VALUE_BYTES), description=message)
        yield quota
    if rule.retry_delay_ms is not None:
        delay = Duration()
        delay.FromMilliseconds(rule.retry_delay_ms)
        yield error_details_pb2.RetryInfo(retry_delay=delay)


def _build_metadata(
    error: NationalsiteError, rule: ReasonRule, origin: ErrorOrigin, request: Message | None
) -> dict[str, str]:
    metadata = {"source": error.source, "operation": origin.operation, "dialect": origin.dialect}
    if isinstance(error, UpstreamError):
        upstream = {
            "upstreamCode": error.code,
            "upstreamMessage": error.upstream_message,
            "upstreamRequestId": error.upstream_request_id,
        }
        metadata |= {key: value for key, value in upstream.items() if value}
    metadata |= {_to_json_name(key): str(value) for key, value in error.metadata.items()}
    if request is not None:
        metadata = _read_ids(request, rule.metadata | rule.optional_metadata) | metadata
    return metadata


def _read_ids(request: Message, keys: frozenset[str]) -> dict[str, str]:
    """Return the values of the fields whose JSON names are among the keys, also in the arm of a oneof."""
    ids: dict[str, str] = {}
    for field in request.DESCRIPTOR.fields:
        if field.json_name in keys:
            ids[field.json_name] = str(getattr(request, field.name))
        elif field.message_type and field.containing_oneof and request.HasField(field.name):
            ids = _read_ids(getattr(request, field.name), keys) | ids
    return {key: value for key, value in ids.items() if value}


def _to_json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _truncate_values(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        key: _truncate(value, _MAX_LONG_VALUE_BYTES if key in _LONG_VALUES else _MAX_VALUE_BYTES)
        for key, value in metadata.items()
    }


def _build_bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    """Return as many violations as the size limit allows. The message has the first ones too."""
    detail = error_details_pb2.BadRequest()
    for violation in violations:
        detail.field_violations.add(
            field=_truncate(violation.field, _MAX_VALUE_BYTES),
            description=_truncate(violation.description, _MAX_MESSAGE_BYTES),
            reason=violation.reason,
        )
        if detail.ByteSize() > _MAX_VIOLATIONS_BYTES:
            del detail.field_violations[-1]
            break
    return detail


def _truncate(text: str, max_bytes: int) -> str:
    """Truncate to at most `max_bytes` of UTF-8, in whole characters. A lone surrogate becomes `?`."""
    return text.encode(errors="replace")[:max_bytes].decode(errors="ignore")
