"""What a shop does, from a search by image to a refund. The sandbox is 1688, the seller and the carrier."""

import json
import os
import sys
import threading
import urllib.request
from itertools import islice
from pathlib import Path
from uuid import uuid4

import grpc
import nationalsite_client as client
from nationalsite.account.v1 import AccountServiceStub, CountryAccount, RegisterUserRequest
from nationalsite.errors.v1 import ERROR_REASON_ACCOUNT_EXISTS
from nationalsite.ordersync import v1 as protos
from nationalsite.product import v1 as product

PRODUCT = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
ORDER_SYNC = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")
ACCOUNT = os.environ.get("NATIONALSITE_ACCOUNT", "127.0.0.1:50053")
SANDBOX = os.environ.get("NATIONALSITE_SANDBOX", "http://127.0.0.1:8168")
products = product.ProductServiceStub(client.connect(PRODUCT, "product"))
orders = protos.OrderSyncServiceStub(client.connect(ORDER_SYNC, "order_sync"))
accounts = AccountServiceStub(client.connect(ACCOUNT, "account"))


def call_sandbox(path: str, **body: object) -> dict[str, int]:
    """Call the admin API of the sandbox."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{SANDBOX}/admin/{path}", data, headers)  # noqa: S310 # HTTP
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 # HTTP
        answer: dict[str, int] = json.loads(response.read() or "{}")
        return answer


# Search by an image up to the third page, and print the prices of an offer.
image = (Path(__file__).parent.parent / "image.jpg").read_bytes()
search = product.SearchByImageRequest(image=image, page_size=5, country="japan")
for page in islice(client.iterate_pages(products.SearchByImage, search, timeout=15), 3):
    print("page", page.page, "begins with", page.offers[0].offer_id)
detail = product.GetProductDetailRequest(offer_id=page.offers[0].offer_id, country="japan")
for sku in products.GetProductDetail(detail, timeout=15).product.product_sku_infos:
    print("SKU", sku.sku_id, client.money_to_text(sku.price), sku.sku_attributes[0].value_trans)

# Register a buyer, twice.
buyer = CountryAccount(country="japan", site="sniff", out_login_name="py", out_member_id="py-1")
buyer.email, buyer.mobile, buyer.mobile_area = "py@example.com", "+81 90 1234 5678", "JP"
buyer.ip = "203.0.113.7"
for request_id in (str(uuid4()), str(uuid4())):
    try:
        accounts.RegisterUser(RegisterUserRequest(request_id=request_id, country_account=buyer), timeout=15)
        print("registered")
    except grpc.RpcError as error:
        if client.parse_error(error).reason != ERROR_REASON_ACCOUNT_EXISTS:
            raise
        print("registered already")

# Sync an order, then its new status, then which entry of the purchase order was bought for which sub-order.
cbu_order_id = call_sandbox("orders")["order_id"]
read = protos.GetPurchaseOrderRequest(cbu_order_id=cbu_order_id)
bought = orders.GetPurchaseOrder(read, timeout=15).purchase_order
now = bought.create_time
order = protos.Order(national_order_id="1001", create_time=now, pay_time=now, paid_fee=bought.total_amount)
order.out_member_id, order.pay_status = buyer.out_member_id, protos.DOWNSTREAM_ORDER_STATUS_PAID
relations = protos.WriteOrderRelationsRequest()
for number, entry in enumerate(bought.entries, start=1):
    sub_order = order.sub_orders.add(offer_id=entry.offer_id, sku_id=entry.sku_id, paid_fee=entry.line_amount)
    sub_order.national_sub_order_id = f"1001{number}"
    sub_order.refund_status = protos.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED
    sub_order.product_name, sub_order.buy_amount = entry.subject, int(entry.quantity.value)
    sub_order.sku_name = ";".join(attribute.value for attribute in entry.sku_attributes)
    relation = relations.relations.add(cbu_order_id=cbu_order_id, cbu_order_entry_id=entry.cbu_order_entry_id)
    relation.national_order_id, relation.national_sub_order_id = "1001", sub_order.national_sub_order_id
orders.SyncOrder(protos.SyncOrderRequest(request_id=str(uuid4()), order=order), timeout=15)
success = protos.DOWNSTREAM_ORDER_STATUS_SUCCESS
status = protos.OrderStatusUpdate(national_order_id="1001", pay_status=success, end_time=now)
orders.SyncOrderStatus(
    protos.SyncOrderStatusRequest(request_id=str(uuid4()), order_status=status), timeout=15
)
call_sandbox("faults", operation="order.relation.write", fault={"gateway_error": "gw.APIACLDecline"})
for relation, failure in client.pair_results(relations, orders.WriteOrderRelations(relations, timeout=15)):
    print(relation.national_sub_order_id, failure.reason_name if failure else "OK")

# Consume messages for a minute. Meanwhile the order is paid, shipped and received.
options = client.ConsumerOptions(create_if_missing=protos.SubscriptionSpec(start_time=now))
consumer = client.Consumer(ORDER_SYNC, "shop-py", lambda message: print(message.topic, flush=True), options)
threading.Timer(float(sys.argv[1]) if sys.argv[1:] else 60, consumer.stop).start()
for step in ("pay", "ship", "receive"):
    call_sandbox(f"orders/{cbu_order_id}/{step}")
consumer.run()

# Request a refund with a voucher.
entry = bought.entries[0]
received = protos.GOODS_STATUS_REFUND_BUYER_RECEIVED
goods = protos.ListRefundReasonsRequest(cbu_order_id=cbu_order_id, goods_status=received)
goods.cbu_order_entry_ids.append(entry.cbu_order_entry_id)
reasons = orders.ListRefundReasons(goods, timeout=15).reasons
voucher = orders.UploadRefundVoucher(protos.UploadRefundVoucherRequest(image=image), timeout=15)
refund = protos.CreateRefundRequest(
    request_id=str(uuid4()),
    cbu_order_id=cbu_order_id,
    cbu_order_entry_ids=goods.cbu_order_entry_ids,
    goods_status=received,
    dispute_request=protos.DISPUTE_KIND_RETURN_REFUND,
    apply_payment=entry.line_amount,
    apply_carriage=client.decimal_to_money(0),
    apply_reason_id=next(reason.reason_id for reason in reasons if reason.need_voucher),
    description="wrong colour",
    vouchers=[voucher.voucher_url],
)
print("refund", orders.CreateRefund(refund, timeout=15).refund_id)

# Enqueue a delivery and wait for its end.
written = protos.OrderRelations(relations=relations.relations)
sync = protos.EnqueueSyncRequest(request_id=str(uuid4()), relations=written)
delivery_id = orders.EnqueueSync(sync, timeout=15).delivery.delivery_id
delivery = client.wait_for_delivery(orders, delivery_id, timeout=60)
print(protos.DeliveryState.Name(delivery.state), delivery.attempts)

# Handle errors: one that retries overcome, and one after which only 1688 knows what happened.
call_sandbox("faults", operation="product.search.keywordQuery", times=3, fault={"status": 503})
dresses = product.SearchByKeywordRequest(keyword="dress", country="japan")
print("found", client.call_with_retries(products.SearchByKeyword, dresses, timeout=60).total_size)
call_sandbox("faults", operation="alibaba.alipay.url.get", fault={"drop": "after_request"})
link = protos.CreateAlipayUrlRequest(request_id=str(uuid4()), cbu_order_ids=[cbu_order_id])
try:
    client.call_with_retries(orders.CreateAlipayUrl, link, timeout=15)
except grpc.RpcError as error:
    print(client.parse_error(error).reason_name)  # ERROR_REASON_OUTCOME_UNKNOWN: 1688 may have made the link
