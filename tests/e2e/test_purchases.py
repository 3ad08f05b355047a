"""OrderSyncService buys at the sandbox: preview, creation, reads, pages, cancelling, and errors."""

import uuid
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import DIALECTS, RpcClient
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details, summarize_error

EACH_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)
ADDRESS = {"address_id": "1000000001"}
CREATE = "alibaba.trade.createCrossOrder"


class Buyer:
    """A caller of one dialect that buys one SKU."""

    def __init__(self, dialect: str, client: RpcClient) -> None:
        self._dialect, self._client = dialect, client
        detail = self.call("SearchByKeyword", {"keyword": "dress"})["offers"][0]
        product = self.call("GetProductDetail", {"offer_id": detail["offer_id"], "country": "japan"})
        sku = product["product"]["product_sku_infos"][0]
        self.items = [
            {"offer_id": detail["offer_id"], "spec_id": sku["spec_id"], "quantity": {"value": "20"}}
        ]

    def call(self, rpc: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Call an RPC, with a new request id if it requires one."""
        return self._client.call(rpc, self._dialect, fields)

    def preview(self) -> dict[str, Any]:
        """Return the preview of the one purchase order."""
        (preview,) = self.call("PreviewPurchaseOrders", {"receive_address": ADDRESS, "items": self.items})[
            "previews"
        ]
        return dict(preview)

    def create(self, preview: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Create the purchase order of a preview."""
        request = {
            "out_order_id": f"SITE-{uuid.uuid4()}",
            "receive_address": ADDRESS,
            "items": self.items,
            "flow": preview["flow"],
            "trade_type": preview["trade_types"][0],
        }
        return self.call("CreatePurchaseOrders", request | fields)


@EACH_DIALECT
def test_an_order_is_previewed_created_and_read(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    buyer = Buyer(dialect, client)
    preview = buyer.preview()
    assert preview["status"] == {}
    (created,) = buyer.create(preview, out_order_id="SITE-1")["purchase_orders"]
    assert created["total_amount"] == preview["total_amount"]
    assert created["freight_amount"] == preview["freight_amount"]

    request = {"cbu_order_id": created["cbu_order_id"]}
    order = buyer.call("GetPurchaseOrder", request)["purchase_order"]
    assert order["cbu_order_id"] == created["cbu_order_id"]
    assert (order["out_order_id"], order["state"]) == ("SITE-1", "PURCHASE_ORDER_STATE_WAIT_BUYER_PAY")
    assert order["total_amount"] == preview["total_amount"]
    assert [entry["spec_id"] for entry in order["entries"]] == [buyer.items[0]["spec_id"]]
    assert "pay_time" not in order
    assert "pay_expire_time" in order
    assert not {"receiver", "raw_json", "message"} & order.keys()
    full = buyer.call("GetPurchaseOrder", request | {"view": "PURCHASE_ORDER_VIEW_FULL"})["purchase_order"]
    assert full.pop("receiver")["full_name"]
    assert created["cbu_order_id"] in full.pop("raw_json")
    full.pop("message", None)
    assert full == order

    found = buyer.call("ListPurchaseOrders", {"out_order_id": "SITE-1"})
    assert [each["cbu_order_id"] for each in found["purchase_orders"]] == [created["cbu_order_id"]]
    assert "raw_json" not in found["purchase_orders"][0]
    assert buyer.call("ListShipments", request) == {}
    assert buyer.call("ListShipmentTraces", request) == {}


def to_fen(money: dict[str, Any]) -> int:
    return int(money.get("units", 0)) * 100 + money.get("nanos", 0) // 10_000_000


@EACH_DIALECT
def test_promotions_and_red_packets_reduce_what_an_order_costs(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    buyer = Buyer(dialect, client)
    plain = buyer.preview()
    price_fen, quantity = to_fen(plain["items"][0]["unit_price"]), 20
    assert not {"promotions", "discount_amount", "red_envelope_amount"} & plain.keys()
    variants = {
        "promoted_offers": [int(buyer.items[0]["offer_id"])],
        "shop_promotions": [{"discount_fen": 150}, {"discount_fen": 90, "free_postage": True}],
        "red_packet_fen": 70,
    }
    sandbox.admin("PUT", "variants", variants)
    preview = buyer.preview()
    (item,) = preview["items"]
    (promotion,) = item["promotions"]
    promoted_fen = price_fen * 97 // 100
    assert to_fen(item["unit_price"]) == promoted_fen
    assert to_fen(promotion["discount_amount"]) == (price_fen - promoted_fen) * quantity
    assert promotion["is_selected"]
    assert to_fen(preview["discount_amount"]) == 150
    assert to_fen(preview["goods_amount"]) == promoted_fen * quantity - 150
    assert preview["goods_amount"] == item["line_amount"]
    assert to_fen(preview["total_amount"]) == to_fen(preview["goods_amount"]) + to_fen(
        preview["freight_amount"]
    )
    assert to_fen(preview["red_envelope_amount"]) == to_fen(item["red_envelope_amount"]) == 70
    first, second = preview["promotions"]
    assert (first["is_selected"], second["is_freight_free"]) == (True, True)

    def create(**fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the created order, and the order as it is read."""
        (created,) = buyer.create(preview, **fields)["purchase_orders"]
        request = {"cbu_order_id": created["cbu_order_id"]}
        return created, buyer.call("GetPurchaseOrder", request)["purchase_order"]

    # Red packets are spent only if the request says so.
    created, order = create()
    assert created["total_amount"] == order["total_amount"] == preview["total_amount"]
    assert to_fen(order["coupon_amount"]) == 0
    created, order = create(use_red_envelope=True)
    assert created["total_amount"] == order["total_amount"]
    assert to_fen(order["total_amount"]) == to_fen(preview["total_amount"]) - 70
    assert to_fen(order["coupon_amount"]) == 70
    assert to_fen(order["entries"][0]["line_amount"]) == to_fen(preview["goods_amount"]) - 70
    created, order = create(promotion_id=second["promotion_id"])
    assert to_fen(order["total_amount"]) == promoted_fen * quantity - 90
    assert to_fen(created["freight_amount"]) == to_fen(order["freight_amount"]) == 0


def test_pages_of_purchase_orders(client: RpcClient, sandbox: SandboxClient) -> None:
    buyer = Buyer("open-platform", client)
    preview = buyer.preview()
    ids = {buyer.create(preview)["purchase_orders"][0]["cbu_order_id"] for _ in range(3)}
    sandbox.admin("DELETE", "calls")
    request: dict[str, Any] = {"page_size": 2, "include_archived": True}
    pages = []
    while True:
        page = buyer.call("ListPurchaseOrders", request)
        pages.append([order["cbu_order_id"] for order in page.get("purchase_orders", [])])
        if "next_page_token" not in page:
            break
        request["page_token"] = page["next_page_token"]
    assert {id_ for page in pages for id_ in page} >= ids
    sent = [(call["parameters"]["page"], call["parameters"]["isHis"]) for call in sandbox.calls()]
    assert sent[:3] == [("1", "false"), ("2", "false"), ("1", "true")]


@EACH_DIALECT
def test_a_creation_whose_answer_is_lost_is_found_and_not_sent_again(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    buyer = Buyer(dialect, client)
    preview = buyer.preview()
    fields = {"out_order_id": f"SITE-2-{dialect}", "request_id": str(uuid.uuid4())}
    sandbox.inject_fault({"drop": "after_request"}, operation=CREATE)
    created = buyer.create(preview, **fields)
    assert created["found_by_search"]
    assert buyer.create(preview, **fields) == created
    (order,) = sandbox.admin("GET", f"orders?out_order_id={fields['out_order_id']}")["orders"]
    assert [int(each["cbu_order_id"]) for each in created["purchase_orders"]] == [int(order["order_id"])]
    assert sum(f"/{CREATE}/" in call["path"] for call in sandbox.calls()) == 1


@EACH_DIALECT
def test_an_order_cannot_be_cancelled_at_once(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    buyer = Buyer(dialect, client)
    (created,) = buyer.create(buyer.preview())["purchase_orders"]
    request = {"cbu_order_id": created["cbu_order_id"], "reason": "PURCHASE_CANCEL_REASON_BUYER"}
    with pytest.raises(grpc.RpcError) as failure:
        buyer.call("CancelPurchaseOrder", request)
    assert summarize_error(failure.value) == ("FAILED_PRECONDITION", "UPSTREAM_TOO_EARLY", 10.0)
    sandbox.admin("PUT", "variants", {"cancel_delay_ms": 0})
    assert buyer.call("CancelPurchaseOrder", request) == {}
    order = buyer.call("GetPurchaseOrder", {"cbu_order_id": created["cbu_order_id"]})["purchase_order"]
    assert order["state"] == "PURCHASE_ORDER_STATE_CANCELLED"


def test_a_permission_that_the_app_lacks(client: RpcClient, sandbox: SandboxClient) -> None:
    """The national-site document does not list these operations: the app may have to ask for them."""
    sandbox.inject_fault({"gateway_error": "gw.APIACLDecline"}, operation="alibaba.trade.get.buyerView")
    with pytest.raises(grpc.RpcError) as failure:
        client.call("GetPurchaseOrder", "national-site", {"cbu_order_id": "1"})
    assert summarize_error(failure.value)[:2] == ("FAILED_PRECONDITION", "UPSTREAM_PERMISSION")
    assert parse_status_details(failure.value)["ErrorInfo"].metadata["upstreamCode"] == "gw.APIACLDecline"
