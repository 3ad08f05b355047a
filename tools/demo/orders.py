"""The order of the demo, from the purchase to its end. The sandbox acts as seller and carrier only."""

import uuid
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos
from nationalsite.product import v1 as product
from nationalsite_client import decimal_to_money, money_to_decimal

from tools.demo.console import DemoClient, format_money
from tools.demo.messages import Consumer
from tools.demo.purchases import buy, cancel
from tools.demo.refunds import refund

ORDER_ID = "JP-2026-0903-0017"
PLACED, PAID, SHIPPED, SIGNED, DONE = (
    Timestamp(seconds=int(datetime(2026, 9, day, 2, tzinfo=UTC).timestamp())) for day in (3, 3, 5, 9, 20)
)


def run_order_lifecycle(demo: DemoClient, detail: product.Product) -> None:
    """Show a buyer's order and its purchase order, from the preview to a partial refund."""
    with Consumer(demo) as messages:
        _run(demo, messages, detail)


def _run(demo: DemoClient, messages: Consumer, detail: product.Product) -> None:
    purchase = buy(demo, messages, detail, ORDER_ID)
    order = _build_order(purchase)
    demo.call(
        "SyncOrder: the site sends its buyer's order to 1688",
        demo.orders.SyncOrder,
        protos.SyncOrderRequest(order=order),
        lambda _: "accepted",
    )
    demo.call(
        "WriteOrderRelations: which purchase order fulfils which line; one call to 1688 for each",
        demo.orders.WriteOrderRelations,
        protos.WriteOrderRelationsRequest(relations=_build_relations(order, purchase)),
        lambda response: f"codes {[result.status.code for result in response.results]}, 0 is accepted",
    )
    _pay(demo, messages, purchase)
    _ship(demo, messages, purchase)
    refund(demo, messages, purchase)
    demo.admin("1688: the order is completed", f"orders/{purchase.cbu_order_id}/succeed")
    messages.follow("ORDER_BUYER_VIEW_ORDER_SUCCESS")
    demo.call(
        "SyncOrderStatus: completed, and one line refunded",
        demo.orders.SyncOrderStatus,
        protos.SyncOrderStatusRequest(order_status=_build_final_status(order)),
        lambda _: f"accepted; 1688 now has: {demo.synced(ORDER_ID)['order']['status']}",
    )
    mistake = buy(demo, messages, detail, f"{ORDER_ID}-again")
    cancel(demo, messages, mistake)


def _pay(demo: DemoClient, messages: Consumer, purchase: protos.PurchaseOrder) -> None:
    demo.call(
        "ListPayWays",
        demo.orders.ListPayWays,
        protos.ListPayWaysRequest(cbu_order_id=purchase.cbu_order_id),
        lambda response: (
            f"{format_money(response.pay_fee)} by {', '.join(way.name for way in response.pay_ways)}"
        ),
    )
    demo.call(
        "CreateCrossBorderPayUrl",
        demo.orders.CreateCrossBorderPayUrl,
        protos.CreateCrossBorderPayUrlRequest(cbu_order_ids=[purchase.cbu_order_id]),
        lambda response: response.pay_url,
    )
    demo.admin("The site's accountant opens the link and pays", f"orders/{purchase.cbu_order_id}/pay")
    messages.follow("ORDER_BUYER_VIEW_ORDER_PAY")


def _ship(demo: DemoClient, messages: Consumer, purchase: protos.PurchaseOrder) -> None:
    demo.admin("The seller ships", f"orders/{purchase.cbu_order_id}/ship")
    shipments = messages.follow("ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS")["ListShipments"].shipments
    demo.admin("The carrier delivers", f"logistics/{shipments[0].cbu_logistics_id}/SIGN")
    messages.follow("LOGISTICS_BUYER_VIEW_TRACE")
    demo.call(
        "ConfirmPurchaseReceipt: the site's warehouse has the goods; 1688 pays the seller",
        demo.orders.ConfirmPurchaseReceipt,
        protos.ConfirmPurchaseReceiptRequest(
            request_id=str(uuid.uuid4()),
            cbu_order_id=purchase.cbu_order_id,
            cbu_order_entry_ids=[entry.cbu_order_entry_id for entry in purchase.entries],
        ),
        lambda _: "accepted",
    )
    messages.follow("ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS")
    demo.call(
        "SyncLogisticsOrder: the site's shipment to its buyer is on its way",
        demo.orders.SyncLogisticsOrder,
        protos.SyncLogisticsOrderRequest(
            logistics_order=protos.LogisticsOrder(
                national_order_id=ORDER_ID,
                logistics_id="LG20260905001",
                create_time=SHIPPED,
                logistics_status=protos.DOWNSTREAM_LOGISTICS_STATUS_SENT,
                province="東京都",
                city="渋谷区",
                area="神南",
                address="東京都渋谷区神南1-2-3",
            )
        ),
        lambda _: "accepted",
    )
    demo.call(
        "SyncLogisticsStatus: the buyer has signed",
        demo.orders.SyncLogisticsStatus,
        protos.SyncLogisticsStatusRequest(
            logistics_status=protos.LogisticsStatusUpdate(
                logistics_id="LG20260905001",
                logistics_status=protos.DOWNSTREAM_LOGISTICS_STATUS_SIGNED,
                modified_time=SIGNED,
            )
        ),
        lambda _: "accepted",
    )


def _build_order(purchase: protos.PurchaseOrder) -> protos.Order:
    """Return the buyer's order, which costs twice what the site pays."""
    return protos.Order(
        national_order_id=ORDER_ID,
        create_time=PLACED,
        pay_time=PAID,
        pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID,
        out_member_id="c5b9e8a658554771",
        paid_fee=decimal_to_money(money_to_decimal(purchase.goods_amount) * 2),
        sub_orders=[
            protos.SubOrder(
                national_sub_order_id=f"{ORDER_ID}-{number}",
                refund_status=protos.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
                offer_id=entry.offer_id,
                product_name=entry.subject,
                sku_id=entry.sku_id,
                sku_name=";".join(attribute.value for attribute in entry.sku_attributes),
                buy_amount=int(entry.quantity.value),
                paid_fee=decimal_to_money(money_to_decimal(entry.line_amount) * 2),
            )
            for number, entry in enumerate(purchase.entries, 1)
        ],
    )


def _build_final_status(order: protos.Order) -> protos.OrderStatusUpdate:
    return protos.OrderStatusUpdate(
        national_order_id=ORDER_ID,
        pay_status=protos.DOWNSTREAM_ORDER_STATUS_SUCCESS,
        end_time=DONE,
        sub_orders=[
            protos.SubOrderStatusUpdate(
                national_sub_order_id=order.sub_orders[0].national_sub_order_id,
                refund_status=protos.DOWNSTREAM_REFUND_STATUS_REFUNDED,
            )
        ],
    )


def _build_relations(order: protos.Order, purchase: protos.PurchaseOrder) -> list[protos.OrderRelation]:
    return [
        protos.OrderRelation(
            national_order_id=ORDER_ID,
            national_sub_order_id=line.national_sub_order_id,
            cbu_order_id=purchase.cbu_order_id,
            cbu_order_entry_id=entry.cbu_order_entry_id,
        )
        for line, entry in zip(order.sub_orders, purchase.entries, strict=True)
    ]
