"""OrderSyncService: the lifecycle of an order, and the errors on its way."""

import base64
from io import BytesIO
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from PIL import Image

from services.adapter.operations import MAX_CONCURRENCY
from tests.e2e.conftest import DIALECTS, RpcClient
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

EACH_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)
NATIONAL, OPEN = "national-site", "open-platform"
PLACED, PAID, SHIPPED, SIGNED, COMPLETED = (f"2026-09-{day:02}T02:00:00Z" for day in (3, 4, 5, 9, 20))
LOGISTICS_ORDER = {
    "national_order_id": "4590347523948370",
    "logistics_id": "20260903001",
    "create_time": SHIPPED,
    "logistics_status": "DOWNSTREAM_LOGISTICS_STATUS_SENT",
    "country": "japan",
    "province": "東京都",
    "city": "渋谷区",
    "area": "神南",
    "address": "東京都渋谷区神南1-2-3",
}


class OrderScenario:
    """A purchase order, the downstream order that it fulfils, and the actions of payer, seller and site."""

    def __init__(self, dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
        self.dialect, self.client, self.sandbox = dialect, client, sandbox
        self.purchase = sandbox.admin("POST", "orders", {})
        self.cbu_order_id = str(self.purchase["order_id"])

    def call(self, rpc: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Call an RPC in the dialect of the scenario."""
        return self.client.call(rpc, self.dialect, fields)

    def advance(self, action: str, body: dict[str, Any] | None = None) -> Any:
        """Let the payer or the seller act on the purchase order; return the order."""
        return self.sandbox.admin("POST", f"orders/{self.purchase['order_id']}/{action}", body or {})

    def advance_refund(self, refund_id: str, action: str) -> Any:
        """Let the seller act on a refund; return the refund."""
        return self.sandbox.admin("POST", f"refunds/{refund_id}/{action}", {})

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return the downstream order, with a sub-order for each entry of the purchase order."""
        sub_orders = [
            {
                "national_sub_order_id": f"459034752394837{number}",
                "refund_status": "DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED",
                "offer_id": str(entry["offer_id"]),
                "product_name": entry["product_name"],
                "sku_id": str(entry["sku_id"]),
                "sku_name": entry["sku_name"],
                "buy_amount": str(entry["quantity"]),
                "paid_fee": to_money(entry["sum_fen"] * 2),
            }
            for number, entry in enumerate(self.purchase["entries"], 1)
        ]
        return {
            "national_order_id": "4590347523948370",
            "create_time": PLACED,
            "pay_time": PAID,
            "pay_status": "DOWNSTREAM_ORDER_STATUS_PAID",
            "refund_status": "DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED",
            "out_member_id": "member-1",
            "paid_fee": to_money(self.purchase["goods_fen"] * 2),
            "country": "japan",
            "order_type": "ORDER_SOURCING_PURCHASE",
            "sub_orders": sub_orders,
        } | changes

    def full_refund(self) -> dict[str, Any]:
        """Return a request to refund the whole order before it is shipped."""
        return {
            "cbu_order_id": self.cbu_order_id,
            "cbu_order_entry_ids": [str(entry["entry_id"]) for entry in self.purchase["entries"]],
            "dispute_request": "DISPUTE_KIND_REFUND",
            "apply_payment": to_money(self.purchase["goods_fen"]),
            "apply_carriage": to_money(0),
            "apply_reason_id": "20006",
            "description": "不想买了",
            "goods_status": "GOODS_STATUS_REFUND_WAIT_SELLER_SEND",
        }

    def synced(self) -> Any:
        """Return what 1688 has received about the downstream order."""
        return self.sandbox.admin("GET", "synced/orders/4590347523948370")


@EACH_DIALECT
def test_the_lifecycle_of_an_order(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    scenario = OrderScenario(dialect, client, sandbox)
    first, second = (str(entry["entry_id"]) for entry in scenario.purchase["entries"])

    # The buyer has paid the site. The site syncs the order and its relation to the purchase order.
    assert scenario.call("SyncOrder", {"order": scenario.order()}) == {}
    relations = [
        {
            "national_order_id": "4590347523948370",
            "national_sub_order_id": f"459034752394837{number}",
            "cbu_order_id": scenario.cbu_order_id,
            "cbu_order_entry_id": entry,
        }
        for number, entry in enumerate((first, second), 1)
    ]
    assert scenario.call("WriteOrderRelations", {"relations": relations}) == {"results": [{"status": {}}] * 2}
    assert len(scenario.synced()["relations"]) == 2

    # The site pays the purchase order.
    pay_ways = scenario.call("ListPayWays", {"cbu_order_id": scenario.cbu_order_id})
    assert pay_ways["cbu_order_id"] == scenario.cbu_order_id
    assert (
        to_fen(pay_ways["pay_fee"]) == scenario.purchase["goods_fen"] + scenario.purchase["shipping_fee_fen"]
    )
    for rpc in ("CreateAlipayUrl", "CreateCrossBorderPayUrl", "CreateCreditPayUrl"):
        link = scenario.call(rpc, {"cbu_order_ids": [scenario.cbu_order_id]})
        assert link["pay_url"].endswith(scenario.cbu_order_id)
    assert scenario.advance("pay")["status"] == "waitsellersend"

    # The seller ships it in two parts. The site syncs its own logistics order to the buyer.
    assert scenario.advance("ship", {"entries": [int(first)]})["status"] == "waitsellersend"
    assert scenario.advance("ship")["status"] == "waitbuyerreceive"
    assert scenario.call("SyncLogisticsOrder", {"logistics_order": LOGISTICS_ORDER}) == {}
    assert scenario.advance("receive")
    _sign(scenario)
    (logistics,) = scenario.synced()["logistics"]
    assert logistics["logisticsId"] == "20260903001"

    # The buyer returns one item. The site gets a partial refund.
    goods = {
        "cbu_order_id": scenario.cbu_order_id,
        "cbu_order_entry_ids": [first],
        "goods_status": "GOODS_STATUS_REFUND_BUYER_RECEIVED",
    }
    reasons = scenario.call("ListRefundReasons", goods)["reasons"]
    reason = next(reason for reason in reasons if reason["need_voucher"])
    voucher = scenario.call("UploadRefundVoucher", {"image": base64.b64encode(build_jpeg()).decode()})
    half = scenario.purchase["entries"][0]["sum_fen"] // 2
    refund = goods | {
        "dispute_request": "DISPUTE_KIND_RETURN_REFUND",
        "apply_payment": to_money(half),
        "apply_carriage": to_money(0),
        "apply_reason_id": reason["reason_id"],
        "description": "颜色不符",
        "vouchers": [voucher["voucher_url"]],
        "order_entry_counts": [{"cbu_order_entry_id": first, "count": 1}],
    }
    refund_id = scenario.call("CreateRefund", refund)["refund_id"]
    assert refund_id.startswith("TQ")
    assert scenario.advance_refund(refund_id, "agree")["status"] == "waitbuyersend"
    return_goods = {"refund_id": refund_id, "logistics_company_no": "ZTO", "freight_bill": "3110044550034338"}
    assert scenario.call("SubmitReturnGoods", return_goods) == {}
    refunded = scenario.advance_refund(refund_id, "receive")
    assert (refunded["status"], refunded["apply_payment_fen"]) == ("refundsuccess", half)
    assert refunded["return_shipment"]["freight_bill"] == "3110044550034338"

    # The order is complete, with one sub-order refunded. The site syncs its final status.
    assert scenario.advance("succeed")["status"] == "success"
    _complete(scenario)


def _sign(scenario: OrderScenario) -> None:
    """Sync the status that the buyer has signed. On the open platform it is sent with the full order."""
    status = {
        "logistics_id": LOGISTICS_ORDER["logistics_id"],
        "logistics_status": "DOWNSTREAM_LOGISTICS_STATUS_SIGNED",
        "modified_time": SIGNED,
    }
    assert scenario.call("SyncLogisticsStatus", {"logistics_status": status}) == {}
    if scenario.dialect == NATIONAL:
        (status_sync,) = scenario.sandbox.admin("GET", "synced/logistics/20260903001")["status"]
        assert status_sync == {
            "logisticsId": "20260903001",
            "logisticsStatus": "sign",
            "modifiedTime": "2026-09-09 10:00:00",
        }
    else:
        (logistics,) = scenario.synced()["logistics"]
        assert (logistics["logisticsStatus"], logistics["signTime"]) == ("sign", "2026-09-09 10:00:00")
        assert logistics["address"] == LOGISTICS_ORDER["address"]


def _complete(scenario: OrderScenario) -> None:
    """Sync the final status of the order, with one sub-order refunded."""
    sub_order = {
        "national_sub_order_id": "4590347523948371",
        "refund_status": "DOWNSTREAM_REFUND_STATUS_REFUNDED",
    }
    status = {
        "pay_status": "DOWNSTREAM_ORDER_STATUS_SUCCESS",
        "end_time": COMPLETED,
        "sub_orders": [sub_order],
    }
    assert (
        scenario.call(
            "SyncOrderStatus", {"order_status": {"national_order_id": "4590347523948370", **status}}
        )
        == {}
    )
    if scenario.dialect == NATIONAL:
        (status_sync,) = scenario.synced()["status"]
        assert status_sync == {
            "orderId": 4590347523948370,
            "payStatus": "success",
            "endTime": "2026-09-20 10:00:00",
            "subOrderStatusSyncParamList": [{"orderId": 4590347523948371, "refundStatus": 1}],
        }
    else:
        order = scenario.synced()["order"]
        assert (order["status"], order["endTime"]) == ("success", "2026-09-20 10:00:00")
        assert [line["refundStatus"] for line in order["subOrderParamList"]] == ["1", "0"]
        assert order["paidFee"] == scenario.purchase["goods_fen"] * 2


@EACH_DIALECT
def test_a_failed_relation_does_not_stop_the_others(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    """In the national-site dialect one response holds for all relations, so every result has the error."""
    sandbox.inject_fault(
        {"status": 200, "json": {"success": False, "code": "X1", "message": "no"}},
        operation="order.relation.write",
    )
    results = client.call("WriteOrderRelations", dialect, {"relations": build_relations(5)})["results"]
    errors = [result["status"] for result in results if result["status"]]
    assert len(results) == 5
    assert len(errors) == (5 if dialect == NATIONAL else 1)
    assert len(sandbox.calls()) == (1 if dialect == NATIONAL else 5)
    assert errors[0]["code"] == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    info = errors[0]["details"][0]
    assert (info["reason"], info["metadata"]["upstreamCode"]) == ("ERROR_REASON_UPSTREAM_REFUSED", "X1")
    assert info["metadata"]["operation"] == "com.alibaba.fenxiao.crossborder:order.relation.write-1"


@EACH_DIALECT
@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        ({"drop": "after_request"}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"status": 503}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"malformed": True}, "UNKNOWN", "OUTCOME_UNKNOWN"),
    ],
    ids=str,
)
def test_relations_with_an_unknown_outcome(
    dialect: str, fault: dict[str, Any], code: str, reason: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    sandbox.inject_fault(fault, operation="order.relation.write", times=100)
    # One relation only, because each failure counts for the circuit breaker.
    request = client.request("WriteOrderRelations", {"relations": build_relations(1)})
    (result,) = client.method("WriteOrderRelations", dialect)(request, timeout=10).results
    assert isinstance(result.status, status_pb2.Status)
    assert result.status.code == grpc.StatusCode[code].value[0]
    info = error_details_pb2.ErrorInfo()
    assert result.status.details[0].Unpack(info)
    assert info.reason == f"ERROR_REASON_{reason}"


@EACH_DIALECT
def test_relations_rejected_by_the_gateway_fail_the_whole_call(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    sandbox.admin("PUT", "limits", {"declined": ["order.relation.write"]})
    with pytest.raises(grpc.RpcError) as failure:
        client.call("WriteOrderRelations", dialect, {"relations": build_relations(3)})
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_PERMISSION"


def test_cancelled_relations_leave_nothing_behind(client: RpcClient, sandbox: SandboxClient) -> None:
    method = client.method("WriteOrderRelations", OPEN)
    request = client.request("WriteOrderRelations", {"relations": build_relations(100)})
    sandbox.inject_fault({"latency_ms": 50}, times=10_000)
    calls = [method.future(request, timeout=20) for _ in range(30)]
    while sandbox.state()["in_flight"] < MAX_CONCURRENCY:
        assert not any(call.done() for call in calls)
    for call in calls:
        call.cancel()
    while sandbox.state()["in_flight"]:
        assert all(call.cancelled() for call in calls)
    sandbox.admin("DELETE", "faults")
    assert [result.status.code for result in method(request, timeout=20).results] == [0] * 100


@pytest.mark.parametrize(
    ("rpc", "request_fields"),
    [
        (
            "SyncOrderStatus",
            {"order_status": {"national_order_id": "never", "pay_status": "DOWNSTREAM_ORDER_STATUS_PAID"}},
        ),
        (
            "SyncLogisticsStatus",
            {
                "logistics_status": {
                    "logistics_id": "never",
                    "logistics_status": "DOWNSTREAM_LOGISTICS_STATUS_SIGNED",
                }
            },
        ),
    ],
)
def test_a_status_needs_a_full_sync_first_on_the_open_platform(
    rpc: str, request_fields: dict[str, Any], client: RpcClient, sandbox: SandboxClient
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        client.call(rpc, OPEN, request_fields)
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_NO_FULL_SYNC"
    assert sandbox.calls() == []


def test_a_status_of_an_unknown_sub_order_is_rejected(client: RpcClient, sandbox: SandboxClient) -> None:
    scenario = OrderScenario(OPEN, client, sandbox)
    scenario.call("SyncOrder", {"order": scenario.order()})
    sub_order = {
        "national_sub_order_id": "no such sub-order",
        "refund_status": "DOWNSTREAM_REFUND_STATUS_REFUNDED",
    }
    with pytest.raises(grpc.RpcError) as failure:
        scenario.call(
            "SyncOrderStatus",
            {"order_status": {"national_order_id": "4590347523948370", "sub_orders": [sub_order]}},
        )
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = parse_status_details(failure.value)["BadRequest"].field_violations
    assert violation.field == "order_status.sub_orders[0].national_sub_order_id"


@pytest.mark.parametrize(
    ("switches", "changes", "status", "reason"),
    [
        ({}, {"cbu_order_id": "1"}, "NOT_FOUND", "PURCHASE_ORDER_NOT_FOUND"),
        ({"owned_by_buyer": False}, {}, "FAILED_PRECONDITION", "UPSTREAM_NOT_OWNED"),
        ({}, {"goods_status": "GOODS_STATUS_REFUND_BUYER_RECEIVED"}, "FAILED_PRECONDITION", "UPSTREAM_STATE"),
        ({}, {"dispute_request": "DISPUTE_KIND_RETURN_REFUND"}, "FAILED_PRECONDITION", "UPSTREAM_STATE"),
        ({}, {"apply_reason_id": "1"}, "INVALID_ARGUMENT", "UPSTREAM_ARGUMENT"),
        ({}, {"apply_reason_id": "20004"}, "INVALID_ARGUMENT", "UPSTREAM_ARGUMENT"),
        ({}, {"apply_carriage": {"units": "1"}}, "INVALID_ARGUMENT", "UPSTREAM_ARGUMENT"),
        ({}, {"apply_payment": {"units": "1"}}, "INVALID_ARGUMENT", "UPSTREAM_ARGUMENT"),
    ],
    ids=str,
)
def test_a_refund_that_1688_rejects(
    switches: dict[str, Any],
    changes: dict[str, Any],
    status: str,
    reason: str,
    client: RpcClient,
    sandbox: SandboxClient,
) -> None:
    scenario = OrderScenario(OPEN, client, sandbox)
    scenario.advance("pay")
    sandbox.admin("PUT", f"orders/{scenario.cbu_order_id}", switches)
    with pytest.raises(grpc.RpcError) as failure:
        scenario.call("CreateRefund", scenario.full_refund() | changes)
    assert failure.value.code().name == status
    assert parse_status_details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"


def test_a_refund_is_requested_once(client: RpcClient, sandbox: SandboxClient) -> None:
    """The response is lost. The service does not retry, and 1688 has only one refund."""
    scenario = OrderScenario(OPEN, client, sandbox)
    scenario.advance("pay")
    sandbox.inject_fault({"drop": "after_request"}, operation="alibaba.trade.createRefund")
    for status, reason in (("UNKNOWN", "OUTCOME_UNKNOWN"), ("FAILED_PRECONDITION", "UPSTREAM_STATE")):
        with pytest.raises(grpc.RpcError) as failure:
            scenario.call("CreateRefund", scenario.full_refund())
        assert failure.value.code().name == status
        assert parse_status_details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
    assert len(sandbox.calls()) == 2
    assert len(sandbox.admin("GET", f"orders/{scenario.cbu_order_id}")["refund_ids"]) == 1


def test_orders_that_cannot_be_paid_are_listed(client: RpcClient, sandbox: SandboxClient) -> None:
    payable, other = (sandbox.admin("POST", "orders", {"kuajingbao": enabled}) for enabled in (True, False))
    both = {"cbu_order_ids": [str(payable["order_id"]), str(other["order_id"])]}
    link = client.call("CreateCrossBorderPayUrl", OPEN, both)
    assert link["pay_url"].endswith(str(payable["order_id"]))
    assert link["unpayable_orders"] == [{"cbu_order_id": str(other["order_id"])}]
    assert client.call("CreateAlipayUrl", OPEN, both)["pay_url"].count(";") == 1
    with pytest.raises(grpc.RpcError) as failure:
        client.call("CreateCrossBorderPayUrl", OPEN, {"cbu_order_ids": [str(other["order_id"])]})
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_STATE"


@pytest.mark.parametrize("switch", ["manual_trade", "out_of_stock"])
def test_alipay_errors_are_recognised_by_their_text(
    switch: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    orders = [sandbox.admin("POST", "orders", {switch: True})["order_id"] for _ in range(2)]
    with pytest.raises(grpc.RpcError) as failure:
        client.call("CreateAlipayUrl", OPEN, {"cbu_order_ids": [str(order) for order in orders]})
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_STATE"


def to_money(fen: int) -> dict[str, Any]:
    """Return an amount in fen as Money in protobuf's JSON."""
    return {"currency_code": "CNY", "units": str(fen // 100), "nanos": fen % 100 * 10**7}


def to_fen(amount: dict[str, Any]) -> int:
    """Return Money in protobuf's JSON as an amount in fen."""
    return int(amount.get("units", 0)) * 100 + amount.get("nanos", 0) // 10**7


def build_relations(count: int) -> list[dict[str, str]]:
    return [
        {
            "national_order_id": "1",
            "national_sub_order_id": str(number),
            "cbu_order_id": "9",
            "cbu_order_entry_id": str(900 + number),
        }
        for number in range(count)
    ]


def build_jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "JPEG")
    return out.getvalue()
