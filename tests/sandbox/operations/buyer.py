"""A buyer that purchases in the sandbox, as 1688's documents say."""

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.skus import build_skus

TRADE = "com.alibaba.trade"
LOGISTICS = "com.alibaba.logistics"
ADDRESS = {"addressId": 1000000001}
ITEM, OTHER_SELLERS_ITEM = Catalog().offers[:2]


class Buyer:
    """Calls the operations of purchases, and returns whole bodies."""

    def __init__(self, client):
        self.client = client
        self._out_order_ids = 0

    async def call(self, name, namespace=TRADE, **arguments):
        return (await self.client.call(name, namespace=namespace, **arguments)).json()

    async def preview(self, *lines, **arguments):
        return await self.call(
            "alibaba.createOrder.preview", **{"addressParam": ADDRESS, "cargoParamList": lines} | arguments
        )

    async def create(self, *lines, **arguments):
        usual = {
            "flow": "general",
            "addressParam": ADDRESS,
            "cargoParamList": lines,
            "outOrderId": "SITE-ORDER-0001",
            "tradeType": "assureTrade",
        }
        return await self.call("alibaba.trade.createCrossOrder", **usual | arguments)

    async def order(self, *transitions, lines=None, **arguments):
        """Create an order, make some transitions, and return its id."""
        created = await self.create(*(lines or [line()]), **arguments)
        order_id = int(created["result"]["orderId"])
        for transition in transitions:
            await self.client.transition("orders", order_id, transition)
        return order_id

    async def detail(self, order_id, **arguments):
        return await self.call("alibaba.trade.get.buyerView", webSite="1688", orderId=order_id, **arguments)

    async def list(self, **arguments):
        return await self.call("alibaba.trade.getBuyerOrderList", **arguments)

    async def listed_ids(self, **arguments):
        return [order["baseInfo"]["id"] for order in (await self.list(**arguments))["result"]]

    async def cancel(self, order_id, **arguments):
        usual = {"webSite": "1688", "tradeID": order_id, "cancelReason": "buyerCancel"}
        return await self.call("alibaba.trade.cancel", **usual | arguments)

    async def confirm(self, order_id, entry_ids):
        return await self.call("trade.receivegoods.confirm", orderId=order_id, orderEntryIds=entry_ids)

    async def logistics(self, order_id, **arguments):
        usual = {"orderId": order_id, "webSite": "1688"}
        return await self.call(
            "alibaba.trade.getLogisticsInfos.buyerView", namespace=LOGISTICS, **usual | arguments
        )

    async def traces(self, order_id, **arguments):
        usual = {"orderId": order_id, "webSite": "1688"}
        return await self.call(
            "alibaba.trade.getLogisticsTraceInfo.buyerView", namespace=LOGISTICS, **usual | arguments
        )

    async def request_refund(self, order_id, **changes):
        """Request a refund of all entries, and return its id. By default, the goods are not shipped."""
        order = await self.client.admin(f"orders/{order_id}")
        usual = {
            "orderId": order_id,
            "orderEntryIds": [entry["entry_id"] for entry in order["entries"]],
            "disputeRequest": "refund",
            "applyPayment": order["goods_fen"],
            "applyCarriage": 0,
            "applyReasonId": 20006,
            "description": "拍错了",
            "goodsStatus": "refundWaitSellerSend",
        }
        body = await self.call("alibaba.trade.createRefund", **usual | changes)
        return body["result"]["result"]["refundId"]

    async def refund(self, refund_id, **arguments):
        return await self.call("alibaba.trade.refund.OpQueryOrderRefund", refundId=refund_id, **arguments)

    async def refunds(self, **arguments):
        return await self.call(
            "alibaba.trade.refund.buyer.queryOrderRefundList", **{"dipsuteType": 0} | arguments
        )

    async def refunds_of_order(self, order_id, query_type):
        return await self.call(
            "alibaba.trade.refund.OpQueryBatchRefundByOrderIdAndStatus",
            orderId=order_id,
            queryType=query_type,
        )

    async def refund_operations(self, refund_id, page=1, page_size=100):
        return await self.call(
            "alibaba.trade.refund.OpQueryOrderRefundOperationList",
            refundId=refund_id,
            pageNo=page,
            pageSize=page_size,
        )

    async def cancel_refund(self, refund_id):
        return await self.call("alibaba.trade.cancelRefund", refundId=refund_id)

    async def max_refund(self, order_id, counts, **changes):
        usual = {
            "orderId": order_id,
            "goodsStatus": "refundWaitSellerSend",
            "refundGoodsCountList": [{"id": entry_id, "count": count} for entry_id, count in counts],
        }
        return await self.call("alibaba.trade.getMaxRefundFee", input=usual | changes)


def skus_of(offer, *, in_stock):
    """Return the SKUs with plenty of stock, or those without any."""
    return [sku for sku in build_skus(offer) if (sku.stock >= 100 if in_stock else sku.stock == 0)]


def line(number=0, offer=ITEM, quantity=10, **changes):
    """Return a line to order: the SKU of the offer with this number, of those in stock."""
    sku = skus_of(offer, in_stock=True)[number]
    return {"offerId": offer.offer_id, "specId": sku.spec_id, "quantity": quantity} | changes


def other_sellers_line(**changes):
    return line(offer=OTHER_SELLERS_ITEM, **changes)


def sold_out_line():
    sku = skus_of(OTHER_SELLERS_ITEM, in_stock=False)[0]
    return {"offerId": OTHER_SELLERS_ITEM.offer_id, "specId": sku.spec_id, "quantity": 10}
