"""Reads the error details of a failed call from its trailer."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2, status_pb2

from services.server.reason_rules import REASON_RULES, ReasonRule

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
    """Return the details of a failed call by the name of their type, from the bytes of the trailer.

    Check that they, the status and the pushback are what the rule of the reason says.
    """
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    details = parse_details(status_pb2.Status.FromString(trailers["grpc-status-details-bin"]))
    rule = _rule_of(details)
    assert error.code() is rule.status
    pushback = trailers.get("grpc-retry-pushback-ms")
    assert pushback == (None if rule.pushback_ms is None else str(rule.pushback_ms))
    return details


def parse_details(status: status_pb2.Status) -> dict[str, Any]:
    """Return the details of a status by the name of their type. Check that the rule of the reason is kept."""
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
    _check_rule(status, details)
    return details


def _check_rule(status: status_pb2.Status, details: Mapping[str, Any]) -> None:
    rule = _rule_of(details)
    info = details["ErrorInfo"]
    assert status.code == rule.status.value[0]
    assert (info.domain, rule.find_deviations(info.metadata, details)) == ("nationalsite", [])
    assert info.metadata["source"] in ("1688", "service")
    assert info.metadata["dialect"] in ("national-site", "open-platform", "none")
    if "RetryInfo" in details:
        assert details["RetryInfo"].retry_delay.ToMilliseconds() == rule.retry_delay_ms
    for violation in details["BadRequest"].field_violations if "BadRequest" in details else ():
        assert re.fullmatch("[A-Z][A-Z0-9_]+[A-Z0-9]", violation.reason)
        assert violation.description


def _rule_of(details: Mapping[str, Any]) -> ReasonRule:
    return REASON_RULES[details["ErrorInfo"].reason.removeprefix("ERROR_REASON_")]
