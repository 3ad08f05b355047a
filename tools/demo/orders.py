"""The order of the demo: the site calls the services; payer and seller use the sandbox's admin API."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from nationalsite.ordersync import v1 as protos
from PIL import Image

from tools.demo.console import DemoClient, format_money
from tools.demo.messages import Consumer

ORDER_ID = "JP-2026-0903-0017"
PLACED, PAID, SHIPPED, SIGNED, DONE = (
    Timestamp(seconds=int(datetime(2026, 9, day, 2, tzinfo=UTC).timestamp())) for day in (3, 3, 5, 9, 20)
)


def run_order_lifecycle(demo: DemoClient) -> None:
    """Show a buyer's order and its purchase order, from the payment to a partial refund."""
    with Consumer(demo) as messages:
        _run(demo, messages)


def _run(demo: DemoClient, messages: Consumer) -> None:
    purchase = demo.admin(
        "The site has placed a purchase order on 1688, to fulfil an order of its buyer", "orders"
    )
    messages.next()
    order = _order(purchase)
    demo.call(
        "SyncOrder: the site sends its buyer's order to 1688",
        demo.orders.SyncOrder,
        protos.SyncOrderRequest(order=order),
        lambda _: "accepted",
    )
    demo.call(
        "WriteOrderRelations: which purchase order fulfils which line; one call to 1688 for each",
        demo.orders.WriteOrderRelations,
        protos.WriteOrderRelationsRequest(relations=_relations(order, purchase)),
        lambda response: f"codes {[result.code for result in response.results]}, 0 is accepted",
    )
    _pay(demo, messages, purchase)
    _ship(demo, messages, purchase)
    _refund(demo, messages, purchase)
    demo.admin("1688: the order is completed", f"orders/{purchase['order_id']}/succeed")
    messages.next()
    order.pay_status, order.end_time.seconds = protos.DOWNSTREAM_ORDER_STATUS_SUCCESS, DONE.seconds
    order.sub_orders[0].refund_status = protos.DOWNSTREAM_REFUND_STATUS_REFUNDED
    demo.call(
        "SyncOrder: completed, and one line refunded",
        demo.orders.SyncOrder,
        protos.SyncOrderRequest(order=order),
        lambda _: f"accepted; 1688 now has: {demo.synced(ORDER_ID)['order']['status']}",
    )


def _pay(demo: DemoClient, messages: Consumer, purchase: Any) -> None:
    order_id = purchase["order_id"]
    demo.call(
        "ListPayWays",
        demo.orders.ListPayWays,
        protos.ListPayWaysRequest(cbu_order_id=order_id),
        lambda response: (
            f"{format_money(response.pay_fee)} by {', '.join(way.name for way in response.pay_ways)}"
        ),
    )
    demo.call(
        "CreateCrossBorderPayUrl",
        demo.orders.CreateCrossBorderPayUrl,
        protos.CreateCrossBorderPayUrlRequest(cbu_order_ids=[order_id]),
        lambda response: response.pay_url,
    )
    demo.admin("The site's accountant opens the link and pays", f"orders/{order_id}/pay")
    messages.next()


def _ship(demo: DemoClient, messages: Consumer, purchase: Any) -> None:
    demo.admin("The seller ships", f"orders/{purchase['order_id']}/ship")
    messages.next()
    logistics_order = protos.LogisticsOrder(
        national_order_id=ORDER_ID,
        logistics_id="LG20260905001",
        create_time=SHIPPED,
        logistics_status=protos.DOWNSTREAM_LOGISTICS_STATUS_SENT,
        province="東京都",
        city="渋谷区",
        area="神南",
        address="東京都渋谷区神南1-2-3",
    )
    demo.call(
        "SyncLogisticsOrder: the site's shipment to its buyer is on its way",
        demo.orders.SyncLogisticsOrder,
        protos.SyncLogisticsOrderRequest(logistics_order=logistics_order),
        lambda _: "accepted",
    )
    demo.admin("The site's warehouse confirms receipt to 1688", f"orders/{purchase['order_id']}/receive")
    messages.next()
    logistics_order.logistics_status, logistics_order.end_time.seconds = (
        protos.DOWNSTREAM_LOGISTICS_STATUS_SIGNED,
        SIGNED.seconds,
    )
    demo.call(
        "SyncLogisticsOrder: the buyer has signed",
        demo.orders.SyncLogisticsOrder,
        protos.SyncLogisticsOrderRequest(logistics_order=logistics_order),
        lambda _: "accepted",
    )


def _refund(demo: DemoClient, messages: Consumer, purchase: Any) -> None:
    order_id, entry = purchase["order_id"], purchase["entries"][0]
    goods_status = protos.GOODS_STATUS_REFUND_BUYER_RECEIVED
    reasons = demo.call(
        "ListRefundReasons, for one line of the order",
        demo.orders.ListRefundReasons,
        protos.ListRefundReasonsRequest(
            cbu_order_id=order_id, cbu_order_entry_ids=[entry["entry_id"]], goods_status=goods_status
        ),
        lambda response: "; ".join(f"{reason.reason_id} {reason.name}" for reason in response.reasons),
    )
    reason = next(reason for reason in reasons.reasons if reason.need_voucher)
    voucher = demo.call(
        "UploadRefundVoucher: this reason needs a voucher; the file part is not signed",
        demo.orders.UploadRefundVoucher,
        protos.UploadRefundVoucherRequest(image=_voucher_image()),
        lambda response: f"{response.image_domain}/{response.image_relative_url}",
    )
    refund = protos.CreateRefundRequest(
        cbu_order_id=order_id,
        cbu_order_entry_ids=[entry["entry_id"]],
        dispute_request=protos.DISPUTE_KIND_RETURN_REFUND,
        apply_payment=_to_money(entry["sum_fen"] // 2),
        apply_carriage=_to_money(0),
        apply_reason_id=reason.reason_id,
        description="颜色不符",
        goods_status=goods_status,
        vouchers=[f"{voucher.image_domain}/{voucher.image_relative_url}"],
    )
    created = demo.call(
        "CreateRefund: half the price of that line, and the goods are returned",
        demo.orders.CreateRefund,
        refund,
        lambda response: response.refund_id,
    )
    messages.next()
    demo.call("CreateRefund again: 1688 rejects it", demo.orders.CreateRefund, refund, lambda _: "created")
    demo.admin("The seller agrees", f"refunds/{created.refund_id}/agree")
    messages.next()
    demo.call(
        "SubmitReturnGoods",
        demo.orders.SubmitReturnGoods,
        protos.SubmitReturnGoodsRequest(
            refund_id=created.refund_id, logistics_company_no="ZTO", freight_bill="3110044550034338"
        ),
        lambda _: "accepted",
    )
    messages.next()
    demo.admin("The seller receives the returned goods", f"refunds/{created.refund_id}/receive")
    messages.next()


def _order(purchase: Any) -> protos.Order:
    return protos.Order(
        national_order_id=ORDER_ID,
        create_time=PLACED,
        pay_time=PAID,
        pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID,
        out_member_id="c5b9e8a658554771",
        paid_fee=_to_money(purchase["goods_fen"] * 2),
        sub_orders=[
            protos.SubOrder(
                national_sub_order_id=f"{ORDER_ID}-{number}",
                refund_status=protos.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
                offer_id=entry["offer_id"],
                product_name=entry["product_name"],
                sku_id=entry["sku_id"],
                sku_name=entry["sku_name"],
                buy_amount=entry["quantity"],
                paid_fee=_to_money(entry["sum_fen"] * 2),
            )
            for number, entry in enumerate(purchase["entries"], 1)
        ],
    )


def _relations(order: protos.Order, purchase: Any) -> list[protos.OrderRelation]:
    return [
        protos.OrderRelation(
            national_order_id=ORDER_ID,
            national_sub_order_id=line.national_sub_order_id,
            cbu_order_id=purchase["order_id"],
            cbu_order_entry_id=entry["entry_id"],
        )
        for line, entry in zip(order.sub_orders, purchase["entries"], strict=True)
    ]


def _to_money(fen: int) -> Money:
    return Money(currency_code="CNY", units=fen // 100, nanos=fen % 100 * 10**7)


def _voucher_image() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "crimson").save(buffer, "JPEG")
    return buffer.getvalue()
