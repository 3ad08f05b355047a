"""Money, times and ids of orders are sent and read exactly, or rejected with the field's path."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st
from nationalsite.ordersync import v1 as protos

from services.adapter.codec import Dialect, JsonDates, Operation, parse
from services.errors import InvalidRequest
from tests.support.compiled_operations import compile_once

SERVICE = protos.ORDER_SYNC_SERVICE
COMPILED = {
    (dialect, dates): compile_once(SERVICE, dialect, dates=dates)
    for dialect in Dialect
    for dates in JsonDates
}
MAX_INT64 = 2**63 - 1
SECONDS = st.integers(
    int(datetime(1, 1, 1, tzinfo=UTC).timestamp()), int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
)
NANOS = st.integers(0, 10**9 - 1)


def operation(
    rpc: str, dialect: Dialect = Dialect.NATIONAL_SITE, dates: JsonDates = JsonDates.TEXT
) -> Operation:
    return COMPILED[dialect, dates][rpc]


def encode_order(order: protos.Order, dates: JsonDates = JsonDates.TEXT) -> dict[str, Any]:
    request = protos.SyncOrderRequest(order=order)
    (call,) = operation("SyncOrder", dates=dates).encode(request)
    value = json.loads(call.form["orderParam"])
    assert isinstance(value, dict)
    return value


def decode_pay_ways(response: object) -> protos.ListPayWaysResponse:
    """Return the decoded response to a query for pay ways."""
    list_pay_ways = operation("ListPayWays")
    result = list_pay_ways.decode(
        parse(json.dumps({"success": True, "resultList": response})), list_pay_ways.request()
    )
    return protos.ListPayWaysResponse.FromString(result.response)


@given(st.integers(0, MAX_INT64))
def test_money_in_fen_round_trip(fen: int) -> None:
    amount = Money(currency_code="CNY", units=fen // 100, nanos=fen % 100 * 10**7)
    assert encode_order(protos.Order(national_order_id="1", paid_fee=amount))["paidFee"] == fen
    assert decode_pay_ways({"payFee": fen}).pay_fee == amount
    assert decode_pay_ways({"payFee": str(fen)}).pay_fee == amount


INVALID_MONEY = st.one_of(
    st.builds(Money, units=st.integers(0, 10**9), nanos=NANOS.filter(lambda nanos: nanos % 10**7)),
    st.builds(Money, units=st.integers(-MAX_INT64 - 1, -1), nanos=NANOS),
    st.builds(
        Money, units=st.integers(0, 10**9), nanos=st.integers(-(2**31), -1) | st.integers(10**9, 2**31 - 1)
    ),
    st.builds(Money, units=st.integers(MAX_INT64 // 100 + 1, MAX_INT64)),
    st.builds(
        Money,
        currency_code=st.text(min_size=1, max_size=3).filter(lambda code: code != "CNY"),
        units=st.just(1),
    ),
)


@given(INVALID_MONEY)
def test_money_that_is_not_a_number_of_fen_is_rejected(amount: Money) -> None:
    for order, field in (
        (protos.Order(national_order_id="1", paid_fee=amount), "order.paid_fee"),
        (
            protos.Order(
                national_order_id="1",
                sub_orders=[protos.SubOrder(national_sub_order_id="2", refund_fee=amount)],
            ),
            "order.sub_orders[0].refund_fee",
        ),
    ):
        with pytest.raises(InvalidRequest) as error:
            encode_order(order)
        assert [violation.field for violation in error.value.violations] == [field]


@given(SECONDS, NANOS)
def test_time_in_seconds_round_trip(seconds: int, nanos: int) -> None:
    time = Timestamp(seconds=seconds, nanos=nanos)
    written = encode_order(protos.Order(national_order_id="1", create_time=time))["createTime"]
    assert len(written) == len("2026-09-03 09:10:10")
    assert decode_pay_ways({"timeout": written}).pay_expire_time == Timestamp(seconds=seconds)


@given(st.integers(10**9, 10**10 - 1), NANOS)
def test_time_in_milliseconds_round_trip(seconds: int, nanos: int) -> None:
    order = protos.Order(national_order_id="1", create_time=Timestamp(seconds=seconds, nanos=nanos))
    written = encode_order(order, JsonDates.EPOCH_MS)["createTime"]
    assert written == seconds * 1000 + nanos // 10**6
    assert decode_pay_ways({"timeout": written}).pay_expire_time == Timestamp(
        seconds=seconds, nanos=nanos // 10**6 * 10**6
    )


@given(st.integers(0, MAX_INT64))
def test_ids_are_numbers_or_text_by_dialect(number: int) -> None:
    relation = protos.OrderRelation(
        national_order_id=str(number),
        national_sub_order_id="1",
        cbu_order_id=number or 1,
        cbu_order_entry_id=1,
    )
    request = protos.WriteOrderRelationsRequest(relations=[relation])
    (national_site_call,) = operation("WriteOrderRelations").encode(request)
    (open_platform_call,) = operation("WriteOrderRelations", Dialect.OPEN_PLATFORM).encode(request)
    (written,) = json.loads(national_site_call.form["nationalOrderRelationParamList"])
    assert (written["nationalOrderId"], written["cbuOrderId"]) == (number, number or 1)
    written = json.loads(open_platform_call.form["orderRelationParam"])
    assert (written["parentOrderId"], written["purchaseParentOrderId"]) == (str(number), number or 1)
    assert (
        decode_pay_ways({"orderId": number}).cbu_order_id
        == decode_pay_ways({"orderId": str(number)}).cbu_order_id
        == number
    )


@given(
    st.text(min_size=1, max_size=30)
    | st.integers(MAX_INT64 + 1).map(str)
    | st.integers(0, 99).map(lambda n: f"0{n}")
)
def test_id_that_has_to_be_a_number(text: str) -> None:
    order = protos.Order(national_order_id=text)
    if text.isascii() and text.isdigit() and str(int(text)) == text and int(text) <= MAX_INT64:
        assert str(encode_order(order)["orderId"]) == text
    else:
        with pytest.raises(InvalidRequest, match=r"^order.national_order_id: must be a number"):
            encode_order(order)
    status = protos.LogisticsStatusUpdate(logistics_id=f"LG{text}", logistics_status=1)
    with pytest.raises(InvalidRequest, match=r"^logistics_status.logistics_id: must be a number"):
        operation("SyncLogisticsStatus").encode(protos.SyncLogisticsStatusRequest(logistics_status=status))
