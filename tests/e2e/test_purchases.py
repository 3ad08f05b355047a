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
