"""What the Python client tells of calls that failed."""

import socket
from decimal import Decimal

import grpc
import nationalsite_client
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from google.type.money_pb2 import Money
from nationalsite.errors import v1 as errors_v1
from nationalsite.product import v1 as protos
from nationalsite.product.v1 import ProductServiceStub
from nationalsite_client import decimal_of, failed_result, failure, money_of

TIMEOUT_S = 20


def _failed(address: str, rpc: str, request) -> nationalsite_client.Failure:
    with nationalsite_client.connect(address, "product") as channel, pytest.raises(grpc.RpcError) as error:
        getattr(ProductServiceStub(channel), rpc)(request, timeout=TIMEOUT_S)
    return failure(error.value)


def test_a_reason_and_1688s_words(product) -> None:
    told = _failed(product.address, "GetProductDetail", protos.GetProductDetailRequest(offer_id=1))
    assert told.status is grpc.StatusCode.NOT_FOUND
    assert told.reason == errors_v1.ERROR_REASON_OFFER_NOT_FOUND
    assert told.info["source"] == "1688"
    assert (told.violations, told.retry_delay_s, told.pushback_s) == ((), None, None)


async def test_the_same_with_asyncio(product) -> None:
    async with nationalsite_client.connect_async(product.address, "product") as channel:
        with pytest.raises(grpc.RpcError) as error:
            await ProductServiceStub(channel).GetProductDetail(
                protos.GetProductDetailRequest(offer_id=1), timeout=TIMEOUT_S
            )
    assert failure(error.value).reason == errors_v1.ERROR_REASON_OFFER_NOT_FOUND


def test_fields_that_break_a_rule(product) -> None:
    told = _failed(product.address, "SearchByKeyword", protos.SearchByKeywordRequest(page_size=51))
    assert [violation.field for violation in told.violations] == ["keyword", "page_size"]
    assert all(violation.description for violation in told.violations)


@pytest.mark.parametrize(
    ("fault", "reason", "retry_delay_s", "pushback_s"),
    [
        ({"drop": "before_request"}, errors_v1.ERROR_REASON_UPSTREAM_UNAVAILABLE, 1.0, 1.0),
        ({"gateway_error": "gw.NoUsageLeftError"}, errors_v1.ERROR_REASON_UPSTREAM_QUOTA, None, -0.001),
    ],
    ids=str,
)
def test_when_to_repeat(fault, reason, retry_delay_s, pushback_s, product, sandbox) -> None:
    sandbox.fault(fault, operation="product.search.queryProductDetail", times=100)
    told = _failed(product.address, "GetProductDetail", protos.GetProductDetailRequest(offer_id=1))
    sandbox.admin("DELETE", "faults")
    assert (told.reason, told.retry_delay_s, told.pushback_s) == (reason, retry_delay_s, pushback_s)


def test_a_read_is_repeated_by_the_channel(product, sandbox) -> None:
    sandbox.admin("DELETE", "calls")
    sandbox.fault({"drop": "before_request"}, operation="product.search.keywordQuery", times=3)
    with nationalsite_client.connect(product.address, "product") as channel:
        request = protos.SearchByKeywordRequest(keyword="dress")
        assert ProductServiceStub(channel).SearchByKeyword(request, timeout=TIMEOUT_S).offers
    # Three are what the service itself tries.
    assert len(sandbox.calls()) == 4


def test_grpc_itself_gives_no_reason() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        told = _failed(
            f"127.0.0.1:{nobody.getsockname()[1]}", "GetFilterConfig", protos.GetFilterConfigRequest()
        )
    assert told.status is grpc.StatusCode.UNAVAILABLE
    assert (told.reason, told.reason_name, told.details) == (errors_v1.ERROR_REASON_UNSPECIFIED, "", ())


def test_results_tell_the_same() -> None:
    info = error_details_pb2.ErrorInfo(reason="ERROR_REASON_OF_A_LATER_RELEASE", domain="nationalsite")
    status = status_pb2.Status(code=9, message="no")
    status.details.add().Pack(info)
    status.details.append(Any(type_url="type.googleapis.com/google.rpc.NewDetail", value=b"\xff"))
    told = failed_result(status)
    assert told is not None
    assert (told.status, told.message) == (grpc.StatusCode.FAILED_PRECONDITION, "no")
    assert told.reason == errors_v1.ERROR_REASON_UNSPECIFIED
    assert told.reason_name == "ERROR_REASON_OF_A_LATER_RELEASE"
    assert told.details == (info,)
    assert failed_result(status_pb2.Status()) is None


@pytest.mark.parametrize(
    ("amount", "units", "nanos"),
    [
        ("29", 29, 0),
        ("27.26", 27, 260_000_000),
        ("0.000000001", 0, 1),
        ("-1.5", -1, -500_000_000),
        ("9223372036854775807.999999999", 2**63 - 1, 999_999_999),
        ("0", 0, 0),
        ("1E+3", 1000, 0),
    ],
)
def test_money_is_exact(amount, units, nanos) -> None:
    money = Money(currency_code="CNY", units=units, nanos=nanos)
    assert money_of(Decimal(amount)) == money
    assert decimal_of(money) == Decimal(amount)


@pytest.mark.parametrize("amount", ["0.0000000001", "NaN", "Infinity", "9223372036854775808"])
def test_what_is_no_money(amount) -> None:
    with pytest.raises(ValueError, match=r"money|decimals"):
        money_of(Decimal(amount))


def test_money_reads_well() -> None:
    assert str(decimal_of(Money(units=1000, nanos=500_000_000))) == "1000.5"
    assert f"{decimal_of(Money(units=29)):.2f}" == "29.00"
    assert str(decimal_of(Money(units=1000))) == "1000"
