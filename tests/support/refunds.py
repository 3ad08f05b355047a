"""Requests to refund purchase orders at the sandbox."""

import uuid

from google.type import money_pb2
from nationalsite.ordersync import v1 as protos

from tests.support.sandbox_client import SandboxClient


def create_refund_request(sandbox: SandboxClient) -> protos.CreateRefundRequest:
    """Create a paid purchase order; return a request to refund it, with a new request id."""
    order = sandbox.admin("POST", "orders", {})
    sandbox.admin("POST", f"orders/{order['order_id']}/pay", {})
    units, fen = divmod(order["goods_fen"], 100)
    return protos.CreateRefundRequest(
        request_id=str(uuid.uuid4()),
        cbu_order_id=order["order_id"],
        cbu_order_entry_ids=[entry["entry_id"] for entry in order["entries"]],
        dispute_request=protos.DISPUTE_KIND_REFUND,
        apply_payment=money_pb2.Money(currency_code="CNY", units=units, nanos=fen * 10**7),
        apply_carriage=money_pb2.Money(currency_code="CNY"),
        apply_reason_id=20006,
        description="不想买了",
        goods_status=protos.GOODS_STATUS_REFUND_WAIT_SELLER_SEND,
    )
