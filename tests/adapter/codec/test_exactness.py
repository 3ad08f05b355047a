"""Money, times and ids of the order side: each value as it was told, or refused by its field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st
from nationalsite.ordersync import v1 as protos

from services.adapter.codec import Dialect, JsonDates, Operation, compile_service, parse
from services.errors import InvalidRequest

SERVICE = protos.ORDER_SYNC_SERVICE
COMPILED = {
    (dialect, dates): compile_service(SERVICE, dialect, dates=dates)
    for dialect in Dialect
    for dates in JsonDates
}
LARGEST = 2**63 - 1
SECONDS = st.integers(
    int(datetime(1, 1, 1, tzinfo=UTC).timestamp()), int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
)
NANOS = st.integers(0, 10**9 - 1)


def operation(
    rpc: str, dialect: Dialect = Dialect.NATIONAL_SITE, dates: JsonDates = JsonDates.TEXT
) -> Operation:
    return COMPILED[dialect, dates][rpc]


def sent(order: protos.Order, dates: JsonDates = JsonDates.TEXT) -> dict[str, Any]:
    request = protos.SyncOrderRequest(order=order)
    (call,) = operation("SyncOrder", dates=dates).encode(request)
    value = json.loads(call.form["orderParam"])
    assert isinstance(value, dict)
    return value


def read(reply: object) -> protos.ListPayWaysResponse:
    """Return what an answer of 1688's about a payment holds."""
    there = operation("ListPayWays")
    decoded = there.decode(parse(json.dumps({"success": True, "resultList": reply})), there.request())
    return protos.ListPayWaysResponse.FromString(decoded.response)


@given(st.integers(0, LARGEST))
def test_money_is_the_same_number_of_fen_there_and_back(fen: int) -> None:
    amount = Money(currency_code="CNY", units=fen // 100, nanos=fen % 100 * 10**7)
    assert sent(protos.Order(national_order_id="1", paid_fee=amount))["paidFee"] == fen
    assert read({"payFee": fen}).pay_fee == amount
    assert read({"payFee": str(fen)}).pay_fee == amount


UNFIT_MONEY = st.one_of(
    st.builds(Money, units=st.integers(0, 10**9), nanos=NANOS.filter(lambda nanos: nanos % 10**7)),
    st.builds(Money, units=st.integers(-LARGEST - 1, -1), nanos=NANOS),
    st.builds(
        Money, units=st.integers(0, 10**9), nanos=st.integers(-(2**31), -1) | st.integers(10**9, 2**31 - 1)
    ),
    st.builds(Money, units=st.integers(LARGEST // 100 + 1, LARGEST)),
    st.builds(
        Money,
        currency_code=st.text(min_size=1, max_size=3).filter(lambda code: code != "CNY"),
        units=st.just(1),
    ),
)


@given(UNFIT_MONEY)
def test_money_that_is_no_number_of_fen_is_refused(amount: Money) -> None:
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
        with pytest.raises(InvalidRequest) as refused:
            sent(order)
        assert [violation.field for violation in refused.value.violations] == [field]


@given(SECONDS, NANOS)
def test_times_are_the_same_second_there_and_back(seconds: int, nanos: int) -> None:
    moment = Timestamp(seconds=seconds, nanos=nanos)
    written = sent(protos.Order(national_order_id="1", create_time=moment))["createTime"]
    assert len(written) == len("2026-09-03 09:10:10")
    assert read({"timeout": written}).timeout == Timestamp(seconds=seconds)


@given(st.integers(10**9, 10**10 - 1), NANOS)
def test_times_are_the_same_millisecond_there_and_back(seconds: int, nanos: int) -> None:
    order = protos.Order(national_order_id="1", create_time=Timestamp(seconds=seconds, nanos=nanos))
    written = sent(order, JsonDates.EPOCH_MS)["createTime"]
    assert written == seconds * 1000 + nanos // 10**6
    assert read({"timeout": written}).timeout == Timestamp(seconds=seconds, nanos=nanos // 10**6 * 10**6)


@given(st.integers(0, LARGEST))
def test_ids_are_numbers_or_text_as_the_dialect_has_them(number: int) -> None:
    relation = protos.OrderRelation(
        national_order_id=str(number),
        national_sub_order_id="1",
        cbu_order_id=number or 1,
        cbu_order_entry_id=1,
    )
    request = protos.WriteOrderRelationsRequest(relations=[relation])
    (here,) = operation("WriteOrderRelations").encode(request)
    (there,) = operation("WriteOrderRelations", Dialect.OPEN_PLATFORM).encode(request)
    (written,) = json.loads(here.form["nationalOrderRelationParamList"])
    assert (written["nationalOrderId"], written["cbuOrderId"]) == (number, number or 1)
    written = json.loads(there.form["orderRelationParam"])
    assert (written["parentOrderId"], written["purchaseParentOrderId"]) == (str(number), number or 1)
    assert read({"orderId": number}).cbu_order_id == read({"orderId": str(number)}).cbu_order_id == number


@given(
    st.text(min_size=1, max_size=30)
    | st.integers(LARGEST + 1).map(str)
    | st.integers(0, 99).map(lambda n: f"0{n}")
)
def test_ids_that_are_no_number_are_refused_where_it_has_to_be_one(text: str) -> None:
    order = protos.Order(national_order_id=text)
    if text.isascii() and text.isdigit() and str(int(text)) == text and int(text) <= LARGEST:
        assert str(sent(order)["orderId"]) == text
    else:
        with pytest.raises(InvalidRequest, match=r"^order.national_order_id: must be a number"):
            sent(order)
    status = protos.SyncLogisticsStatusRequest(logistics_id=f"LG{text}", logistics_status=1)
    with pytest.raises(InvalidRequest, match="logistics_id"):
        operation("SyncLogisticsStatus").encode(status)
