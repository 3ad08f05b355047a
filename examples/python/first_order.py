"""Buys for the first time: a preview, and with --create OUT_ORDER_ID an order with its payment link.

`first_order.py [OFFER_ID] [--create OUT_ORDER_ID]`. Without OFFER_ID it takes the first offer of a search.
A preview changes nothing. The order is not paid before someone opens the link and pays.
"""

import argparse
import os
import uuid

from google.type.decimal_pb2 import Decimal
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product import v1 as product
from nationalsite.product.v1 import ProductServiceStub
from nationalsite_client import connect, money_to_decimal

PRODUCT = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
ORDER_SYNC = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")


def choose_items(offer_id: int | None) -> list[protos.PurchaseItem]:
    """Return the smallest purchase of an offer's first SKU."""
    with connect(PRODUCT, "product") as channel:
        products = ProductServiceStub(channel)
        if offer_id is None:
            search = product.SearchByKeywordRequest(keyword="dress", page_size=1, country="japan")
            offer_id = products.SearchByKeyword(search, timeout=10).offers[0].offer_id
        request = product.GetProductDetailRequest(offer_id=offer_id, country="japan")
        detail = products.GetProductDetail(request, timeout=10).product
    sku = detail.product_sku_infos[0]
    quantity = Decimal(value=str(max(1, detail.min_order_quantity)))
    print("offer", offer_id, "SKU", sku.sku_id, "quantity", quantity.value)
    return [protos.PurchaseItem(offer_id=offer_id, spec_id=sku.spec_id, quantity=quantity)]


def preview(
    orders: OrderSyncServiceStub, address: protos.ReceiveAddress, items: list[protos.PurchaseItem]
) -> protos.PurchaseOrderPreview:
    """Return what the purchase would cost."""
    request = protos.PreviewPurchaseOrdersRequest(receive_address=address, items=items)
    result = orders.PreviewPurchaseOrders(request, timeout=20).previews[0]
    print("preview", money_to_decimal(result.total_amount), result.flow, *result.trade_types)
    return result


def create(
    orders: OrderSyncServiceStub,
    address: protos.ReceiveAddress,
    items: list[protos.PurchaseItem],
    out_order_id: str,
) -> None:
    """Create the order and print its id, its amount and the link where it is paid."""
    cost = preview(orders, address, items)
    request = protos.CreatePurchaseOrdersRequest(
        request_id=str(uuid.uuid4()),  # store it before the call: a retry with it never buys twice
        out_order_id=out_order_id,
        receive_address=address,
        items=items,
        flow=cost.flow,
        # creditBuy would spend credit at once.
        trade_type=next(name for name in cost.trade_types if name != "creditBuy"),
    )
    for order in orders.CreatePurchaseOrders(request, timeout=30).purchase_orders:
        print("created", order.cbu_order_id, money_to_decimal(order.total_amount))
        link = protos.CreateCrossBorderPayUrlRequest(cbu_order_ids=[order.cbu_order_id])
        print("pay at", orders.CreateCrossBorderPayUrl(link, timeout=10).pay_url)


def main() -> None:
    """Read the arguments, preview or create."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("offer_id", nargs="?", type=int)
    parser.add_argument("--create", metavar="OUT_ORDER_ID", help="your id of the order, used once")
    arguments = parser.parse_args()
    items = choose_items(arguments.offer_id)
    with connect(ORDER_SYNC, "order_sync") as channel:
        orders = OrderSyncServiceStub(channel)
        saved = orders.ListReceiveAddresses(protos.ListReceiveAddressesRequest(), timeout=10).addresses
        address = protos.ReceiveAddress(address_id=saved[0].address_id)
        if arguments.create:
            create(orders, address, items, arguments.create)
        else:
            preview(orders, address, items)


if __name__ == "__main__":
    main()
