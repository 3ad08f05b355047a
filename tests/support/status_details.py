"""Reads the details of a failed call from its trailer."""

from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2


def parse_status_details(error: grpc.RpcError) -> dict[str, Any]:
    """Return the details of a failed call by the name of their type, from the bytes of the trailer."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    types = (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.RetryInfo,
        error_details_pb2.QuotaFailure,
    )
    details: dict[str, Any] = {}
    for detail in status.details:
        type_ = next(each for each in types if detail.Is(each.DESCRIPTOR))
        details[type_.DESCRIPTOR.name] = type_.FromString(detail.value)
    return details


def parse_reason(error: grpc.RpcError) -> str:
    """Return the reason of a failed call, without the prefix of the enum."""
    info = parse_status_details(error)["ErrorInfo"]
    return str(info.reason.removeprefix("ERROR_REASON_"))
