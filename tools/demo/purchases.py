"""The purchase of the demo: preview, creation, and the cancellation of an order that is not needed."""

import sys
import time
import uuid
from typing import Any

from google.type.decimal_pb2 import Decimal
from nationalsite.ordersync import v1 as protos
from nationalsite.product import v1 as product

from tools.demo.console import DemoClient, format_money
from tools.demo.messages import Consumer

QUANTITY = "10"
TOO_EARLY_S = 10
"""1688 cancels an order only if it is as old as this."""


def buy(
    demo: DemoClient, messages: Consumer, detail: product.Product, out_order_id: str
) -> protos.PurchaseOrder:
    """Preview and create a purchase order of two SKUs; return it as read after 1688's message."""
    addresses = demo.call(
        "ListReceiveAddresses: the addresses that the site has saved at 1688",
        demo.orders.ListReceiveAddresses,
        protos.ListReceiveAddressesRequest(),
        lambda response: ", ".join(str(address.address_id) for address in response.addresses),
    )
    address = protos.ReceiveAddress(address_id=addresses.addresses[0].address_id)
    items = [
        protos.PurchaseItem(offer_id=detail.offer_id, spec_id=sku.spec_id, quantity=Decimal(value=QUANTITY))
        for sku in detail.product_sku_infos[:2]
    ]
    previews = demo.call(
        "PreviewPurchaseOrders: what it would cost; nothing is created",
        demo.orders.PreviewPurchaseOrders,
        protos.PreviewPurchaseOrdersRequest(receive_address=address, items=items),
        _describe_previews,
    )
    (preview,) = previews.previews
    trade_type = next((name for name in preview.trade_types if name != "creditBuy"), "")
    if preview.status.code or not trade_type:
        sys.exit("the preview has no order that can be paid at once: see the logs")
    created = demo.call(
        "CreatePurchaseOrders, with the channel and a kind of trade of the preview",
        demo.orders.CreatePurchaseOrders,
        protos.CreatePurchaseOrdersRequest(
            request_id=str(uuid.uuid4()),
            out_order_id=out_order_id,
            receive_address=address,
            items=items,
            flow=preview.flow,
            trade_type=trade_type,
        ),
        lambda response: ", ".join(
            f"{order.cbu_order_id} {format_money(order.total_amount)}" for order in response.purchase_orders
        ),
    )
    if [order.total_amount for order in created.purchase_orders] != [preview.total_amount]:
        sys.exit("the purchase order does not cost what the preview says: see the logs")
    order: protos.PurchaseOrder = messages.follow("ORDER_BUYER_VIEW_BUYER_MAKE")[
        "GetPurchaseOrder"
    ].purchase_order
    return order


def cancel(demo: DemoClient, messages: Consumer, order: protos.PurchaseOrder) -> None:
    """Cancel an unpaid purchase order. 1688 rejects it at first, because the order is too young."""
    request = protos.CancelPurchaseOrderRequest(
        request_id=str(uuid.uuid4()),
        cbu_order_id=order.cbu_order_id,
        reason=protos.PURCHASE_CANCEL_REASON_BUYER,
    )
    if not _cancel(demo, "CancelPurchaseOrder", request):
        print(f"  wait   {TOO_EARLY_S} s, as RetryInfo says")
        time.sleep(TOO_EARLY_S)
        _cancel(demo, "CancelPurchaseOrder, after this delay", request)
    messages.follow("ORDER_BUYER_VIEW_ORDER_BUYER_CLOSE")


def _cancel(demo: DemoClient, title: str, request: protos.CancelPurchaseOrderRequest) -> Any:
    return demo.call(title, demo.orders.CancelPurchaseOrder, request, lambda _: "cancelled")


def _describe_previews(response: protos.PreviewPurchaseOrdersResponse) -> str:
    return "; ".join(
        f"{format_money(preview.total_amount)}, of it freight {format_money(preview.freight_amount)},"
        f" {preview.flow}, {', '.join(preview.trade_types)}"
        for preview in response.previews
    )
