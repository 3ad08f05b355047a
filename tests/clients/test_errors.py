"""Error details in the Python client library."""

import socket
import typing

import grpc
import nationalsite_client
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from nationalsite.errors import v1 as errors_v1
from nationalsite.product import v1 as protos
from nationalsite.product.v1 import ProductServiceStub
from nationalsite_client import parse_error, parse_status

TIMEOUT_S = 20


def _call_and_parse_error(address: str, rpc: str, request) -> nationalsite_client.ErrorDetails:
    with nationalsite_client.connect(address, "product") as channel, pytest.raises(grpc.RpcError) as error:
        getattr(ProductServiceStub(channel), rpc)(request, timeout=TIMEOUT_S)
    return parse_error(error.value)


def test_reason_and_upstream_message(product) -> None:
    details = _call_and_parse_error(
        product.address, "GetProductDetail", protos.GetProductDetailRequest(offer_id=1)
    )
    assert details.code is grpc.StatusCode.NOT_FOUND
    assert details.reason == errors_v1.ERROR_REASON_OFFER_NOT_FOUND
    assert details.metadata["source"] == "1688"
    assert details.metadata["offerId"] == "1"
    assert details.retry == errors_v1.RETRY_NEVER
    assert (details.field_violations, details.retry_delay_s, details.pushback_s) == ((), None, -0.001)


async def test_asyncio_error(product) -> None:
    async with nationalsite_client.connect_async(product.address, "product") as channel:
        with pytest.raises(grpc.RpcError) as error:
            await ProductServiceStub(channel).GetProductDetail(
                protos.GetProductDetailRequest(offer_id=1), timeout=TIMEOUT_S
            )
    assert parse_error(error.value).reason == errors_v1.ERROR_REASON_OFFER_NOT_FOUND


def test_field_violations(product) -> None:
    details = _call_and_parse_error(
        product.address, "SearchByKeyword", protos.SearchByKeywordRequest(page_size=-1)
    )
    assert [violation.field for violation in details.field_violations] == ["", "page_size"]
    reasons = [violation.reason for violation in details.field_violations]
    assert reasons == ["KEYWORD_OR_CATEGORY", "INT32_GTE"]
    assert all(violation.description for violation in details.field_violations)


@pytest.mark.parametrize(
    ("fault", "reason", "retry_delay_s", "pushback_s"),
    [
        ({"drop": "before_request"}, errors_v1.ERROR_REASON_UPSTREAM_UNAVAILABLE, 1.0, -0.001),
        ({"gateway_error": "gw.NoUsageLeftError"}, errors_v1.ERROR_REASON_UPSTREAM_QUOTA, None, -0.001),
    ],
    ids=str,
)
def test_retry_delay_and_pushback(fault, reason, retry_delay_s, pushback_s, product, sandbox) -> None:
    sandbox.inject_fault(fault, operation="product.search.queryProductDetail", times=100)
    details = _call_and_parse_error(
        product.address, "GetProductDetail", protos.GetProductDetailRequest(offer_id=1)
    )
    sandbox.admin("DELETE", "faults")
    assert (details.reason, details.retry_delay_s, details.pushback_s) == (reason, retry_delay_s, pushback_s)


@pytest.mark.parametrize(
    ("fault", "status", "attempts"),
    [
        ({"drop": "before_request"}, grpc.StatusCode.UNAVAILABLE, 3),
        ({"gateway_error": "gw.QosAppFrequencyLimit"}, grpc.StatusCode.RESOURCE_EXHAUSTED, 3),
        ({"status": 502, "body": "bad gateway"}, grpc.StatusCode.UNAVAILABLE, 3),
    ],
    ids=str,
)
def test_channel_does_not_retry_what_the_service_has_retried(
    fault, status, attempts, product, sandbox
) -> None:
    """One layer retries: three attempts of the service in each of three of the channel would be nine."""
    operation = "product.search.keywordQuery"
    sandbox.admin("DELETE", "calls")
    sandbox.inject_fault(fault, operation=operation, times=100)
    with nationalsite_client.connect(product.address, "product") as channel:
        request = protos.SearchByKeywordRequest(keyword="dress")
        with pytest.raises(grpc.RpcError) as error:
            ProductServiceStub(channel).SearchByKeyword(request, timeout=TIMEOUT_S)
    sandbox.admin("DELETE", "faults")
    assert error.value.code() is status
    assert [call["path"].split("/")[-2] for call in sandbox.calls()] == [operation] * attempts


def test_error_of_grpc_itself_has_no_reason() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        details = _call_and_parse_error(
            f"127.0.0.1:{unused.getsockname()[1]}", "GetFilterConfig", protos.GetFilterConfigRequest()
        )
    assert details.code is grpc.StatusCode.UNAVAILABLE
    assert (details.reason, details.reason_name, details.details) == (
        errors_v1.ERROR_REASON_UNSPECIFIED,
        "",
        (),
    )
    assert details.retry == errors_v1.RETRY_UNSPECIFIED


def test_what_cannot_be_parsed_is_ignored() -> None:
    pushback = ("grpc-retry-pushback-ms", "soon")
    for invalid in (b"\xff\xff", _encode_status(b"\xff\xff")):
        error = _FailedCall((("grpc-status-details-bin", invalid), pushback))
        details = parse_error(error)
        assert (details.code, details.message) == (grpc.StatusCode.UNAVAILABLE, "no")
        assert (details.reason_name, details.details) == ("", ())
        assert details.pushback_s is not None
        assert details.pushback_s < 0  # as for gRPC's own retries


class _FailedCall(grpc.RpcError):
    def __init__(self, trailers: tuple[tuple[str, str | bytes], ...]) -> None:
        self._trailers = trailers

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "no"

    def trailing_metadata(self) -> typing.Any:
        return self._trailers


def _encode_status(error_info: bytes) -> bytes:
    detail = Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=error_info)
    return status_pb2.Status(code=14, message="no", details=[detail]).SerializeToString()


def test_reason_beside_that_of_a_proxy() -> None:
    proxy = error_details_pb2.ErrorInfo(reason="UPSTREAM_RESET", domain="proxy.example")
    info = error_details_pb2.ErrorInfo(reason="ERROR_REASON_DRAINING", domain="nationalsite")
    for infos in ((proxy, info), (info, proxy)):
        status = status_pb2.Status(code=14)
        for each in infos:
            status.details.add().Pack(each)
        details = parse_status(status)
        assert details is not None
        assert details.reason == errors_v1.ERROR_REASON_DRAINING
        assert details.details == infos


def test_failed_result() -> None:
    info = error_details_pb2.ErrorInfo(reason="ERROR_REASON_OF_A_LATER_RELEASE", domain="nationalsite")
    status = status_pb2.Status(code=9, message="no")
    status.details.add().Pack(info)
    status.details.append(Any(type_url="type.googleapis.com/google.rpc.NewDetail", value=b"\xff"))
    details = parse_status(status)
    assert details is not None
    assert (details.code, details.message) == (grpc.StatusCode.FAILED_PRECONDITION, "no")
    assert details.reason == errors_v1.ERROR_REASON_UNSPECIFIED
    assert details.reason_name == "ERROR_REASON_OF_A_LATER_RELEASE"
    assert details.details == (info,)
    assert parse_status(status_pb2.Status()) is None
