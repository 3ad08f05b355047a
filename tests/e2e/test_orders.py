"""The order side through a running service: the life of an order, and what is refused on its way."""

import base64
from io import BytesIO
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from PIL import Image

from services.adapter.operations import MAX_CONCURRENCY

EVERY_DIALECT = pytest.mark.parametrize("dialect", ["national-site", "open-platform"])
NATIONAL, OPEN = "national-site", "open-platform"
PLACED, PAID, SHIPPED, SIGNED, DONE = (f"2026-09-{day:02}T02:00:00Z" for day in (3, 4, 5, 9, 20))
PARCEL = {
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


class Life:
    """One purchase order, the downstream order that it serves, and who else takes part in its life."""

    def __init__(self, dialect: str, rpcs: Any, sandbox: Any) -> None:
        self.dialect, self.rpcs, self.sandbox = dialect, rpcs, sandbox
        self.purchase = sandbox.admin("POST", "orders", {})
        self.cbu_order_id = str(self.purchase["order_id"])

    def call(self, rpc: str, fields: dict[str, Any]) -> dict[str, Any]:
        return self.rpcs.call(rpc, self.dialect, fields)

    def step(self, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The payer or the seller takes a step of the purchase order."""
        return self.sandbox.admin("POST", f"orders/{self.purchase['order_id']}/{name}", body or {})

    def refund_step(self, refund_id: str, name: str) -> dict[str, Any]:
        return self.sandbox.admin("POST", f"refunds/{refund_id}/{name}", {})

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return the downstream order: a line for each of the purchase order."""
        lines = [
            {
                "national_sub_order_id": f"459034752394837{number}",
                "refund_status": "DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED",
                "offer_id": str(entry["offer_id"]),
                "product_name": entry["product_name"],
                "sku_id": str(entry["sku_id"]),
                "sku_name": entry["sku_name"],
                "buy_amount": str(entry["quantity"]),
                "paid_fee": money(entry["sum_fen"] * 2),
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
            "paid_fee": money(self.purchase["goods_fen"] * 2),
            "country": "japan",
            "order_type": "ORDER_SOURCING_PURCHASE",
            "sub_orders": lines,
        } | changes

    def whole_refund(self) -> dict[str, Any]:
        """Return a request to get everything back before it is shipped."""
        return {
            "cbu_order_id": self.cbu_order_id,
            "cbu_order_entry_ids": [str(entry["entry_id"]) for entry in self.purchase["entries"]],
            "dispute_request": "DISPUTE_KIND_REFUND",
            "apply_payment": money(self.purchase["goods_fen"]),
            "apply_carriage": money(0),
            "apply_reason_id": "20006",
            "description": "不想买了",
            "goods_status": "GOODS_STATUS_REFUND_WAIT_SELLER_SEND",
        }

    def synced(self) -> dict[str, Any]:
        """Return what 1688 knows of the downstream order."""
        return self.sandbox.admin("GET", "synced/orders/4590347523948370")


@EVERY_DIALECT
def test_the_life_of_an_order(dialect: str, rpcs, sandbox) -> None:
    life = Life(dialect, rpcs, sandbox)
    first, second = (str(entry["entry_id"]) for entry in life.purchase["entries"])

    # The buyer has paid the site; the site tells 1688, and which purchase order serves the order.
    assert life.call("SyncOrder", {"order": life.order()}) == {}
    relations = [
        {
            "national_order_id": "4590347523948370",
            "national_sub_order_id": f"459034752394837{number}",
            "cbu_order_id": life.cbu_order_id,
            "cbu_order_entry_id": entry,
        }
        for number, entry in enumerate((first, second), 1)
    ]
    assert life.call("WriteOrderRelations", {"relations": relations}) == {"results": [{}, {}]}
    assert len(life.synced()["relations"]) == 2

    # The site pays the purchase order.
    ways = life.call("ListPayWays", {"cbu_order_id": life.cbu_order_id})
    assert ways["cbu_order_id"] == life.cbu_order_id
    assert fen(ways["pay_fee"]) == life.purchase["goods_fen"] + life.purchase["carriage_fen"]
    for rpc in ("CreateAlipayUrl", "CreateCrossBorderPayUrl", "CreateCreditPayUrl"):
        link = life.call(rpc, {"cbu_order_ids": [life.cbu_order_id]})
        assert link["pay_url"].endswith(life.cbu_order_id)
    assert life.step("pay")["status"] == "waitsellersend"

    # The seller ships it in two parts; the site tells 1688 of the parcel to its buyer.
    assert life.step("ship", {"entries": [int(first)]})["status"] == "waitsellersend"
    assert life.step("ship")["status"] == "waitbuyerreceive"
    assert life.call("SyncLogisticsOrder", {"logistics_order": PARCEL}) == {}
    assert life.step("receive")
    _sign(life)
    (parcel,) = life.synced()["logistics"]
    assert parcel["logisticsId"] == "20260903001"

    # The buyer sends one line back; the site gets a part of what it paid back.
    goods = {
        "cbu_order_id": life.cbu_order_id,
        "cbu_order_entry_ids": [first],
        "goods_status": "GOODS_STATUS_REFUND_BUYER_RECEIVED",
    }
    reasons = life.call("ListRefundReasons", goods)["reasons"]
    reason = next(each for each in reasons if each["need_voucher"])
    picture = life.call("UploadRefundVoucher", {"image": base64.b64encode(jpeg()).decode()})
    half = life.purchase["entries"][0]["sum_fen"] // 2
    refund = goods | {
        "dispute_request": "DISPUTE_KIND_RETURN_REFUND",
        "apply_payment": money(half),
        "apply_carriage": money(0),
        "apply_reason_id": reason["reason_id"],
        "description": "颜色不符",
        "vouchers": [f"{picture['image_domain']}/{picture['image_relative_url']}"],
        "order_entry_counts": [{"cbu_order_entry_id": first, "count": 1}],
    }
    refund_id = life.call("CreateRefund", refund)["refund_id"]
    assert refund_id.startswith("TQ")
    assert life.refund_step(refund_id, "agree")["status"] == "waitbuyersend"
    parcel = {"refund_id": refund_id, "logistics_company_no": "ZTO", "freight_bill": "3110044550034338"}
    assert life.call("SubmitReturnGoods", parcel) == {}
    told = life.refund_step(refund_id, "receive")
    assert (told["status"], told["apply_payment_fen"]) == ("refundsuccess", half)
    assert told["return_shipment"]["freight_bill"] == "3110044550034338"

    # The order is done; the site tells 1688 so, one line of it refunded.
    assert life.step("succeed")["status"] == "success"
    _finish(life)


def _sign(life: Life) -> None:
    """Tell 1688 that the buyer has signed, by the status alone; the open platform gets it with the whole."""
    status = {
        "logistics_id": PARCEL["logistics_id"],
        "logistics_status": "DOWNSTREAM_LOGISTICS_STATUS_SIGNED",
        "modified_time": SIGNED,
    }
    assert life.call("SyncLogisticsStatus", status) == {}
    if life.dialect == NATIONAL:
        (told,) = life.sandbox.admin("GET", "synced/logistics/20260903001")["status"]
        assert told == {
            "logisticsId": "20260903001",
            "logisticsStatus": "sign",
            "modifiedTime": "2026-09-09 10:00:00",
        }
    else:
        (told,) = life.synced()["logistics"]
        assert (told["logisticsStatus"], told["signTime"]) == ("sign", "2026-09-09 10:00:00")
        assert told["address"] == PARCEL["address"]


def _finish(life: Life) -> None:
    line = {"national_sub_order_id": "4590347523948371", "refund_status": "DOWNSTREAM_REFUND_STATUS_REFUNDED"}
    status = {"pay_status": "DOWNSTREAM_ORDER_STATUS_SUCCESS", "end_time": DONE, "sub_orders": [line]}
    assert (
        life.call("SyncOrderStatus", {"order_status": {"national_order_id": "4590347523948370", **status}})
        == {}
    )
    if life.dialect == NATIONAL:
        (told,) = life.synced()["status"]
        assert told == {
            "orderId": 4590347523948370,
            "payStatus": "success",
            "endTime": "2026-09-20 10:00:00",
            "subOrderStatusSyncParamList": [{"orderId": 4590347523948371, "refundStatus": 1}],
        }
    else:
        told = life.synced()["order"]
        assert (told["status"], told["endTime"]) == ("success", "2026-09-20 10:00:00")
        assert [line["refundStatus"] for line in told["subOrderParamList"]] == ["1", "0"]
        assert told["paidFee"] == life.purchase["goods_fen"] * 2


@EVERY_DIALECT
def test_one_relation_that_fails_stops_no_other(dialect: str, rpcs, sandbox) -> None:
    """National-site: the one verdict stands in every result."""
    sandbox.fault(
        {"status": 200, "json": {"success": False, "code": "X1", "message": "no"}},
        operation="order.relation.write",
    )
    told = rpcs.call("WriteOrderRelations", dialect, {"relations": relations(5)})["results"]
    refused = [each for each in told if each]
    assert len(told) == 5
    assert len(refused) == (5 if dialect == NATIONAL else 1)
    assert len(sandbox.calls()) == (1 if dialect == NATIONAL else 5)
    assert refused[0]["code"] == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    info = refused[0]["details"][0]
    assert (info["reason"], info["metadata"]["code"]) == ("ERROR_REASON_UPSTREAM_REFUSED", "X1")
    assert info["metadata"]["operation"] == "com.alibaba.fenxiao.crossborder:order.relation.write-1"


@EVERY_DIALECT
@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        ({"drop": "after_request"}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"status": 503}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"malformed": True}, "UNKNOWN", "OUTCOME_UNKNOWN"),
    ],
    ids=str,
)
def test_relations_whose_outcome_nobody_knows(dialect, fault, code, reason, rpcs, sandbox) -> None:
    sandbox.fault(fault, operation="order.relation.write", times=100)
    # One relation, as each failure counts with the breaker.
    request = rpcs.request("WriteOrderRelations", {"relations": relations(1)})
    (result,) = rpcs.method("WriteOrderRelations", dialect)(request, timeout=10).results
    assert isinstance(result, status_pb2.Status)
    assert result.code == grpc.StatusCode[code].value[0]
    info = error_details_pb2.ErrorInfo()
    assert result.details[0].Unpack(info)
    assert info.reason == f"ERROR_REASON_{reason}"


@EVERY_DIALECT
def test_relations_that_never_reached_the_operation_fail_as_a_whole(dialect, rpcs, sandbox, details) -> None:
    sandbox.admin("PUT", "limits", {"declined": ["order.relation.write"]})
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("WriteOrderRelations", dialect, {"relations": relations(3)})
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_PERMISSION"


def test_cancelled_relations_leave_nothing_behind(rpcs, sandbox) -> None:
    method = rpcs.method("WriteOrderRelations", OPEN)
    request = rpcs.request("WriteOrderRelations", {"relations": relations(100)})
    sandbox.fault({"latency_ms": 50}, times=10_000)
    calls = [method.future(request, timeout=20) for _ in range(30)]
    while sandbox.state()["in_flight"] < MAX_CONCURRENCY:
        assert not any(call.done() for call in calls)
    for call in calls:
        call.cancel()
    while sandbox.state()["in_flight"]:
        assert all(call.cancelled() for call in calls)
    sandbox.admin("DELETE", "faults")
    assert [result.code for result in method(request, timeout=20).results] == [0] * 100


@pytest.mark.parametrize(
    ("rpc", "request_fields"),
    [
        (
            "SyncOrderStatus",
            {"order_status": {"national_order_id": "never", "pay_status": "DOWNSTREAM_ORDER_STATUS_PAID"}},
        ),
        (
            "SyncLogisticsStatus",
            {"logistics_id": "never", "logistics_status": "DOWNSTREAM_LOGISTICS_STATUS_SIGNED"},
        ),
    ],
)
def test_a_status_alone_needs_the_whole_on_the_open_platform(
    rpc, request_fields, rpcs, sandbox, details
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call(rpc, OPEN, request_fields)
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_NO_FULL_SYNC"
    assert sandbox.calls() == []


def test_a_status_of_a_line_that_the_whole_does_not_have(rpcs, sandbox, details) -> None:
    life = Life(OPEN, rpcs, sandbox)
    life.call("SyncOrder", {"order": life.order()})
    line = {"national_sub_order_id": "no such line", "refund_status": "DOWNSTREAM_REFUND_STATUS_REFUNDED"}
    with pytest.raises(grpc.RpcError) as failure:
        life.call(
            "SyncOrderStatus",
            {"order_status": {"national_order_id": "4590347523948370", "sub_orders": [line]}},
        )
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = details(failure.value)["BadRequest"].field_violations
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
def test_a_refund_that_1688_refuses(switches, changes, status, reason, rpcs, sandbox, details) -> None:
    life = Life(OPEN, rpcs, sandbox)
    life.step("pay")
    sandbox.admin("PUT", f"orders/{life.cbu_order_id}", switches)
    with pytest.raises(grpc.RpcError) as failure:
        life.call("CreateRefund", life.whole_refund() | changes)
    assert failure.value.code().name == status
    assert details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"


def test_a_refund_is_asked_for_once(rpcs, sandbox, details) -> None:
    """The answer is lost on its way; the suite leaves it at one call, and 1688 at one refund."""
    life = Life(OPEN, rpcs, sandbox)
    life.step("pay")
    sandbox.fault({"drop": "after_request"}, operation="alibaba.trade.createRefund")
    for status, reason in (("UNKNOWN", "OUTCOME_UNKNOWN"), ("FAILED_PRECONDITION", "UPSTREAM_STATE")):
        with pytest.raises(grpc.RpcError) as failure:
            life.call("CreateRefund", life.whole_refund())
        assert failure.value.code().name == status
        assert details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
    assert len(sandbox.calls()) == 2
    assert len(sandbox.admin("GET", f"orders/{life.cbu_order_id}")["refund_ids"]) == 1


def test_orders_that_cannot_be_paid_are_listed(rpcs, sandbox, details) -> None:
    payable, other = (sandbox.admin("POST", "orders", {"kuajingbao": yes}) for yes in (True, False))
    both = {"cbu_order_ids": [str(payable["order_id"]), str(other["order_id"])]}
    link = rpcs.call("CreateCrossBorderPayUrl", OPEN, both)
    assert link["pay_url"].endswith(str(payable["order_id"]))
    assert link["unpayable_cbu_order_ids"] == [str(other["order_id"])]
    assert rpcs.call("CreateAlipayUrl", OPEN, both)["pay_url"].count(";") == 1
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("CreateCrossBorderPayUrl", OPEN, {"cbu_order_ids": [str(other["order_id"])]})
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_STATE"


@pytest.mark.parametrize("switch", ["manual_trade", "out_of_stock"])
def test_alipay_refuses_by_its_text(switch: str, rpcs, sandbox, details) -> None:
    orders = [sandbox.admin("POST", "orders", {switch: True})["order_id"] for _ in range(2)]
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("CreateAlipayUrl", OPEN, {"cbu_order_ids": [str(order) for order in orders]})
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_STATE"


def money(fen: int) -> dict[str, Any]:
    return {"currency_code": "CNY", "units": str(fen // 100), "nanos": fen % 100 * 10**7}


def fen(amount: dict[str, Any]) -> int:
    return int(amount.get("units", 0)) * 100 + amount.get("nanos", 0) // 10**7


def relations(count: int) -> list[dict[str, str]]:
    return [
        {
            "national_order_id": "1",
            "national_sub_order_id": str(number),
            "cbu_order_id": "9",
            "cbu_order_entry_id": str(900 + number),
        }
        for number in range(count)
    ]


def jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "JPEG")
    return out.getvalue()
