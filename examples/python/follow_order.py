"""After each message reads the purchase order and its shipments, and syncs them, until SIGTERM."""

import os
import signal
import time

from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite_client import Consumer, ConsumerOptions, connect

ADDRESS = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")
TOPICS = [
    "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
    "ORDER_BUYER_VIEW_ORDER_SUCCESS",
    "ORDER_BUYER_VIEW_ORDER_SELLER_CLOSE",
]

# [snippet follow]
STATUSES = {
    protos.PURCHASE_ORDER_STATE_SUCCESS: protos.DOWNSTREAM_ORDER_STATUS_SUCCESS,
    protos.PURCHASE_ORDER_STATE_CANCELLED: protos.DOWNSTREAM_ORDER_STATUS_CLOSED,
}


def follow(orders: OrderSyncServiceStub, message: protos.Message) -> None:
    """Sync what an order is now: a message is only a hint, and can come twice. An error redelivers it."""
    order_id = message.order.cbu_order_id
    order_request = protos.GetPurchaseOrderRequest(cbu_order_id=order_id)
    order = orders.GetPurchaseOrder(order_request, timeout=10).purchase_order
    if not order.out_order_id:
        return  # the site did not create it
    shipments_request = protos.ListShipmentsRequest(cbu_order_id=order_id)
    shipments = orders.ListShipments(shipments_request, timeout=10).shipments
    for shipment in shipments:
        sync_shipment(orders, order, shipment)
    if order.state in STATUSES:
        status = protos.OrderStatusUpdate(
            national_order_id=order.out_order_id,
            pay_status=STATUSES[order.state],
            end_time=order.end_time if order.HasField("end_time") else None,
        )
        orders.SyncOrderStatus(protos.SyncOrderStatusRequest(order_status=status), timeout=10)
    state = protos.PurchaseOrderState.Name(order.state)
    # One text, since other handlers print at the same time.
    print(f"{order.out_order_id} {state} {len(shipments)}\n", end="", flush=True)
    # [/snippet]


def sync_shipment(
    orders: OrderSyncServiceStub, order: protos.PurchaseOrder, shipment: protos.Shipment
) -> None:
    """Sync a shipment that goes to the buyer as it is."""
    logistics_order = protos.LogisticsOrder(
        national_order_id=order.out_order_id,
        logistics_id=shipment.cbu_logistics_id,
        create_time=order.all_shipped_time if order.HasField("all_shipped_time") else order.update_time,
        logistics_status=protos.DOWNSTREAM_LOGISTICS_STATUS_SENT,
        province="東京都",  # the buyer's address, from the site's database
        city="渋谷区",
        area="神南",
        address="東京都渋谷区神南1-2-3",
    )
    request = protos.SyncLogisticsOrderRequest(logistics_order=logistics_order)
    orders.SyncLogisticsOrder(request, timeout=10)


def main() -> None:
    """Consume until SIGTERM. A message is acknowledged when `follow` returns."""
    start_time = Timestamp(seconds=int(time.time()) - 3600)
    options = ConsumerOptions(create_if_missing=protos.SubscriptionSpec(topics=TOPICS, start_time=start_time))
    with connect(ADDRESS, "order_sync") as channel:
        orders = OrderSyncServiceStub(channel)
        consumer = Consumer(ADDRESS, "follow", lambda message: follow(orders, message), options)
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, lambda *_: consumer.stop())
        consumer.run()


if __name__ == "__main__":
    main()
