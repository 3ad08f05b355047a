"""Options that read more from an object than its members: paths, words, the enclosing object, raw JSON."""

from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from nationalsite.ordersync import v1 as protos

from services.adapter.codec import DecodeResult, Operation, parse
from services.errors import UpstreamRefused, UpstreamUnreadable
from tests.adapter.codec.test_samples import OPERATIONS


def decode(operation: Operation, body: Any, message: type) -> dict[str, Any]:
    result = operation.decode(body, operation.request())
    assert result.unreadable == ()
    return MessageToDict(message.FromString(result.response), preserving_proto_field_name=True)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"baseInfo": {"idOfStr": "2", "id": 1}}, {"cbu_order_id": "2"}),
        ({"baseInfo": {"id": 1, "idOfStr": ""}}, {"cbu_order_id": "1"}),
        ({"baseInfo": '{"id": 1}'}, {"cbu_order_id": "1"}),
        ({"baseInfo": [{"id": 1}]}, {"cbu_order_id": "1"}),
        (
            {"baseInfo": {"id": 1, "outOrderId": "a"}, "exAttributes": {"outOrderId": "b"}},
            {"cbu_order_id": "1", "out_order_id": "a"},
        ),
        (
            {"baseInfo": {"id": 1}, "nativeLogistics": {"zip": "0", "logisticsItems": [{"type": "2"}]}},
            {"cbu_order_id": "1", "receiver": {"post_code": "0"}, "shipments": [{"type": 2}]},
        ),
        (
            {"baseInfo": {"id": 1, "refundStatus": "WAIT_BUYER_SEND", "status": "Confirm_Goods"}},
            {
                "cbu_order_id": "1",
                "refund_state": "REFUND_STATE_WAIT_BUYER_SEND",
                "refund_status": "WAIT_BUYER_SEND",
                "state": "PURCHASE_ORDER_STATE_GOODS_CONFIRMED",
                "status": "Confirm_Goods",
            },
        ),
        (
            {"baseInfo": {"id": 1, "status": "newword"}},
            {"cbu_order_id": "1", "status": "newword"},
        ),
    ],
)
def test_members_below_the_object_of_a_message(order: dict[str, Any], expected: dict[str, Any]) -> None:
    operation = OPERATIONS["national-site", "GetPurchaseOrder"]
    decoded = decode(operation, {"result": order}, protos.GetPurchaseOrderResponse)["purchase_order"]
    assert parse(decoded.pop("raw_json")) == order
    assert decoded == expected


def test_raw_json_keeps_every_value_exactly() -> None:
    text = (
        b'{"result":{"baseInfo":{"id":4300000000000100001,"totalAmount":8.80},"new":[1E+2,null,"\\u4e2d"]}}'
    )
    operation = OPERATIONS["open-platform", "GetPurchaseOrder"]
    result = operation.decode(parse(text), operation.request())
    raw = protos.GetPurchaseOrderResponse.FromString(result.response).purchase_order.raw_json
    assert raw == '{"baseInfo":{"id":4300000000000100001,"totalAmount":8.80},"new":[1E+2,null,"中"]}'


def test_an_object_without_known_members_is_no_order() -> None:
    operation = OPERATIONS["open-platform", "GetPurchaseOrder"]
    with pytest.raises(UpstreamUnreadable):
        operation.decode({"result": {"new": 1}}, operation.request())


def test_a_part_that_is_no_object_is_unreadable() -> None:
    operation = OPERATIONS["open-platform", "GetPurchaseOrder"]
    body: Any = {"result": {"baseInfo": 1, "productItems": [{"specId": "a"}]}}
    result = operation.decode(body, operation.request())
    assert result.unreadable == ("purchase_order.baseInfo",)


@pytest.mark.parametrize(
    ("value", "is_set"), [("ZT-1", True), ("不需要物流", False), (" ", False), ("A\n", False)]
)
def test_words_are_no_tracking_number(value: str, is_set: bool) -> None:
    operation = OPERATIONS["open-platform", "ListShipments"]
    body = f'{{"success": true, "result": [{{"logisticsId": "LP1", "logisticsBillNo": "{value}"}}]}}'
    parsed = operation.parse(body.replace("\n", "\\n").encode(), operation.request())
    result = operation.decode(parsed, operation.request())
    (shipment,) = protos.ListShipmentsResponse.FromString(result.response).shipments
    assert shipment.HasField("mail_no") == is_set


def test_quantities_are_exact_in_both_directions() -> None:
    operation = OPERATIONS["open-platform", "PreviewPurchaseOrders"]
    item = {"offer_id": "1", "quantity": {"value": "0.001"}}
    request = ParseDict(
        {"items": [item, {**item, "quantity": {"value": "100000000000.10"}}]}, operation.request()
    )
    (parameters,) = operation.encode(request)
    assert parameters.form["cargoParamList"] == (
        '[{"offerId":1,"quantity":0.001},{"offerId":1,"quantity":100000000000.10}]'
    )
    shipments = OPERATIONS["open-platform", "ListShipments"]
    goods = [{"quantity": value} for value in ("0.001", Decimal("5.0"), "10", 1)]
    body: Any = {"success": True, "result": [{"logisticsId": "LP1", "logisticsOrderGoods": goods}]}
    response = protos.ListShipmentsResponse.FromString(shipments.decode(body, shipments.request()).response)
    assert [item.quantity.value for item in response.shipments[0].items] == ["0.001", "5", "10", "1"]


@pytest.mark.parametrize(
    "body", [{"success": False}, {"success": False, "errorCode": "500_2", "errorMessage": "系统异常"}]
)
def test_other_errors_are_no_empty_response(body: Any) -> None:
    operation = OPERATIONS["open-platform", "ListShipments"]
    with pytest.raises(UpstreamRefused):
        operation.decode(body, operation.request())


def test_what_is_never_left_out_of_a_creation() -> None:
    operation = OPERATIONS["national-site", "CreatePurchaseOrders"]
    (parameters,) = operation.encode(operation.request())
    assert parameters.form == {"useRedEnvelope": "n"}
    (parameters,) = operation.encode(operation.request(use_red_envelope=True, dropshipping=True))
    assert parameters.form == {"useRedEnvelope": "y", "dropshipping": "y"}


@pytest.mark.parametrize(
    ("view", "detail", "list_"),
    [
        ("UNSPECIFIED", "NativeLogistics", None),
        ("BASIC", "NativeLogistics", "false"),
        ("FULL", "GuaranteesTerms,NativeLogistics,RateDetail,OrderInvoice", "true"),
    ],
)
def test_a_view_has_a_parameter_of_each_operation(view: str, detail: str, list_: str | None) -> None:
    value = protos.PurchaseOrderView.Value(f"PURCHASE_ORDER_VIEW_{view}")
    for rpc, name, expected in (
        ("GetPurchaseOrder", "includeFields", detail),
        ("ListPurchaseOrders", "needBuyerAddressAndPhone", list_),
    ):
        operation = OPERATIONS["open-platform", rpc]
        (parameters,) = operation.encode(operation.request(view=value))
        assert parameters.form.get(name) == expected


def test_documented_responses_without_nested_members_decode_fast() -> None:
    operation = OPERATIONS["open-platform", "ListReceiveAddresses"]
    body = b'{"success": true, "result": {"receiveAddressItems": [{"id": 1}]}}'
    assert isinstance(operation.parse(body, operation.request()), DecodeResult)
