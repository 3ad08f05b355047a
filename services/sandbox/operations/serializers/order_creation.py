"""Serializes the result of a creation of orders. All amounts are fen, and the ids are text."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.sandbox.trade.cart import CartLine
from services.sandbox.trade.orders import Order


def serialize_order(order: Order, failures: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the response to a creation that made one order."""
    result = {
        "totalSuccessAmount": order.total_fen,
        "orderId": str(order.order_id),
        "postFee": order.shipping_fee_fen,
        "success": True,
        "code": None,
        "message": None,
        "failedOfferList": failures,
    }
    return {"result": result, "success": True, "code": None, "message": None}


def serialize_flat_creation(order: Order) -> dict[str, Any]:
    """Return one order as two samples of the document do: flat, and `success` is false."""
    return {
        "orderId": str(order.order_id),
        "totalSuccessAmount": order.total_fen,
        "accountPeriod": None,
        "success": False,
    }


def serialize_orders(orders: Sequence[Order], failures: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the response to a creation that made several orders: it has no order id of its own."""
    order_list = [
        {
            "postFee": order.shipping_fee_fen,
            # The misspelt total includes the shipping fee.
            "orderAmmount": order.total_fen,
            "discount": order.discount_fen,
            "sumPaymentNoCarriageFromClient": order.goods_fen,
            "mergePay": False,
            "orderId": str(order.order_id),
            "chooseFreeFreight": False,
        }
        for order in orders
    ]
    failed_offers = {"failedOfferList": failures} if failures else {}
    return {"result": {"success": True, "orderList": order_list, **failed_offers}, "success": True}


def serialize_failed_line(line: CartLine, error: tuple[str, str]) -> dict[str, str]:
    """Return a line that was not ordered, with the code and the message of its error."""
    code, message = error
    return {
        "offerId": str(line.item.offer_id),
        "specId": line.item.spec_id,
        "errorCode": code,
        "errorMessage": message,
    }
