"""Syncs an order to 1688 with a direct call, and its purchase order with a durable delivery."""

import datetime
import os
import uuid
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite_client import connect, decimal_to_money, wait_for_delivery

ADDRESS = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")


def sync(orders: OrderSyncServiceStub) -> None:
    """Sync an order. The request id makes the call safe to retry if its outcome is unknown."""
    now = Timestamp()
    now.FromDatetime(datetime.datetime.now(datetime.UTC))
    paid = decimal_to_money(Decimal("3.14"))
    sub_order = protos.SubOrder(
        national_sub_order_id="4590347523948375",
        refund_status=protos.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
        offer_id=620201390233,
        product_name="夏季新款碎花连衣裙女",
        sku_id=5104790281451,
        sku_name="绿色;均码",
        buy_amount=2,
        paid_fee=paid,
    )
    order = protos.Order(
        national_order_id="4590347523948370",
        create_time=now,
        pay_time=now,
        pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID,
        out_member_id="1212113",
        paid_fee=paid,
        sub_orders=[sub_order],
    )
    orders.SyncOrder(protos.SyncOrderRequest(request_id=str(uuid.uuid4()), order=order), timeout=10)
    print("synced", order.national_order_id)


def enqueue(orders: OrderSyncServiceStub) -> None:
    """Sync the relation to its purchase order. The delivery survives outages and restarts."""
    # [snippet enqueue]
    relation = protos.OrderRelation(
        national_order_id="4590347523948370",
        national_sub_order_id="4590347523948375",
        cbu_order_id=3209572465452730,
        cbu_order_entry_id=3209572465452734,
    )
    request = protos.EnqueueSyncRequest(
        request_id=str(uuid.uuid4()),  # store it: a retry with it returns the same delivery
        relations=protos.OrderRelations(relations=[relation]),
    )
    delivery = orders.EnqueueSync(request, timeout=5).delivery
    delivery = wait_for_delivery(orders, delivery.delivery_id, timeout=60)  # or raises TimeoutError
    print(protos.DeliveryState.Name(delivery.state), delivery.attempts)  # DELIVERY_STATE_DELIVERED 1
    # [/snippet]


def main() -> None:
    """Do both over one channel."""
    with connect(ADDRESS, "order_sync") as channel:
        orders = OrderSyncServiceStub(channel)
        sync(orders)
        enqueue(orders)


if __name__ == "__main__":
    main()
