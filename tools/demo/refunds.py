"""The refund of the demo: half the price of one entry, and its goods are returned."""

import uuid
from io import BytesIO

from google.type.money_pb2 import Money
from nationalsite.ordersync import v1 as protos
from nationalsite_client import decimal_to_money, money_to_decimal
from PIL import Image

from tools.demo.console import DemoClient, format_money
from tools.demo.messages import Consumer

GOODS_STATUS = protos.GOODS_STATUS_REFUND_BUYER_RECEIVED
REFUND_TOPIC = "ORDER_BUYER_VIEW_ORDER_BUYER_REFUND_IN_SALES"


def refund(demo: DemoClient, messages: Consumer, order: protos.PurchaseOrder) -> None:
    """Request a refund, return the goods, and read the refund after each message."""
    entry = order.entries[0]
    limits = demo.call(
        "GetRefundLimits, for one entry of the order",
        demo.orders.GetRefundLimits,
        protos.GetRefundLimitsRequest(
            cbu_order_id=order.cbu_order_id,
            goods_status=GOODS_STATUS,
            order_entry_counts=[
                protos.OrderEntryCount(
                    cbu_order_entry_id=entry.cbu_order_entry_id, count=int(entry.quantity.value)
                )
            ],
        ),
        lambda response: f"at most {format_money(response.max_payment)} for the goods",
    )
    request = _build_request(demo, order, limits.max_payment)
    created = demo.call(
        "CreateRefund: half the price of that entry, and the goods are returned",
        demo.orders.CreateRefund,
        request,
        lambda response: response.refund_id,
    )
    messages.follow(REFUND_TOPIC)
    request.request_id = str(uuid.uuid4())
    demo.call(
        "CreateRefund, a second request: 1688 rejects it",
        demo.orders.CreateRefund,
        request,
        lambda _: "created",
    )
    demo.admin("The seller agrees", f"refunds/{created.refund_id}/agree")
    messages.follow(REFUND_TOPIC)
    demo.call(
        "SubmitReturnGoods",
        demo.orders.SubmitReturnGoods,
        protos.SubmitReturnGoodsRequest(
            request_id=str(uuid.uuid4()),
            refund_id=created.refund_id,
            logistics_company_no="ZTO",
            freight_bill="3110044550034338",
        ),
        lambda _: "accepted",
    )
    messages.follow(REFUND_TOPIC)
    demo.admin("The seller receives the returned goods", f"refunds/{created.refund_id}/receive")
    messages.follow(REFUND_TOPIC)


def _build_request(
    demo: DemoClient, order: protos.PurchaseOrder, max_payment: Money
) -> protos.CreateRefundRequest:
    entry_ids = [order.entries[0].cbu_order_entry_id]
    reasons = demo.call(
        "ListRefundReasons",
        demo.orders.ListRefundReasons,
        protos.ListRefundReasonsRequest(
            cbu_order_id=order.cbu_order_id, cbu_order_entry_ids=entry_ids, goods_status=GOODS_STATUS
        ),
        lambda response: "; ".join(f"{reason.reason_id} {reason.name}" for reason in response.reasons),
    )
    reason = next(reason for reason in reasons.reasons if reason.need_voucher)
    voucher = demo.call(
        "UploadRefundVoucher: this reason needs a voucher; the file part is not signed",
        demo.orders.UploadRefundVoucher,
        protos.UploadRefundVoucherRequest(image=_voucher_image()),
        lambda response: response.voucher_url,
    )
    return protos.CreateRefundRequest(
        request_id=str(uuid.uuid4()),
        cbu_order_id=order.cbu_order_id,
        cbu_order_entry_ids=entry_ids,
        dispute_request=protos.DISPUTE_KIND_RETURN_REFUND,
        apply_payment=decimal_to_money(round(money_to_decimal(max_payment) / 2, 2)),
        apply_carriage=Money(currency_code="CNY"),
        apply_reason_id=reason.reason_id,
        description="颜色不符",
        goods_status=GOODS_STATUS,
        vouchers=[voucher.voucher_url],
    )


def _voucher_image() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "crimson").save(buffer, "JPEG")
    return buffer.getvalue()
