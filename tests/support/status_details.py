"""Reads the error details of a failed call from its trailer."""

from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2, status_pb2

OUTAGE_STATUSES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class ErrorSummary(NamedTuple):
    """A failed call in three values."""

    status: str
    reason: str
    """Without the prefix ERROR_REASON_."""
    retry_delay_s: float | None
    """Of RetryInfo; None without that detail."""


def summarize_error(error: grpc.RpcError) -> ErrorSummary:
    """Return the status, the reason and the retry delay of a failed call."""
    details = parse_status_details(error)
    retry_info = details.get("RetryInfo")
    return ErrorSummary(
        error.code().name,
        parse_reason(error),
        None if retry_info is None else retry_info.retry_delay.ToTimedelta().total_seconds(),
    )


def parse_reason(error: grpc.RpcError) -> str:
    """Return the reason of a failed call, without the prefix ERROR_REASON_."""
    return str(parse_status_details(error)["ErrorInfo"].reason.removeprefix("ERROR_REASON_"))


def is_outage(error: grpc.RpcError) -> bool:
    """Return whether a call failed because a process ended or the store is unavailable.

    Errors of a service have details. gRPC's own errors for a broken connection have none.
    """
    has_details = "grpc-status-details-bin" in dict(error.trailing_metadata() or ())
    return not has_details or error.code() in OUTAGE_STATUSES


def parse_status_details(error: grpc.RpcError) -> dict[str, Any]:
    """Return the details of a failed call by the name of their type, from the bytes of the trailer."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    detail_types = (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.RetryInfo,
        error_details_pb2.QuotaFailure,
    )
    details: dict[str, Any] = {}
    for detail in status.details:
        detail_type = next(candidate for candidate in detail_types if detail.Is(candidate.DESCRIPTOR))
        details[detail_type.DESCRIPTOR.name] = detail_type.FromString(detail.value)
    return details
