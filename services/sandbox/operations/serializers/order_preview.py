"""Serializes the preview of an order. Its totals are fen, and the amounts of its lines are yuan."""

from collections.abc import Sequence
from typing import Any

from services.sandbox.trade.cart import CartLine
from services.sandbox.trade.order_lines import compute_shipping_fee_fen

DEFAULT_FLOW = "general"
"""The sandbox has the same prices in all flows."""
CREDIT_LIMIT_FEN = 300_000

_TRADE_TYPE_NAMES = {
    "assureTrade": ("交易4.0通用流程", "担保"),
    "creditBuy": ("诚e赊交易", "诚e赊"),
}


def serialize_preview(
    lines: Sequence[CartLine],
    *,
    flow: str,
    trade_types: Sequence[str],
    is_web_checkout_only: bool,
    error: tuple[str, str],
) -> dict[str, Any]:
    """Return the preview of one order. With a line that has a problem, it cannot be placed.

    `error` is the code and the message of this problem.
    """
    can_be_placed = all(line.problem is None for line in lines)
    goods_fen = shipping_fee_fen = 0
    if can_be_placed:
        order_lines = [line.order_line for line in lines]
        goods_fen = sum(line.sku.price_fen * line.quantity for line in order_lines)
        shipping_fee_fen = compute_shipping_fee_fen(order_lines)
    code, message = (None, None) if can_be_placed else error
    return {
        "status": can_be_placed,
        "resultCode": code,
        "message": message,
        "flowFlag": flow,
        "tradeModeNameList": list(trade_types) if can_be_placed and not is_web_checkout_only else [],
        "sumPayment": goods_fen + shipping_fee_fen,
        "sumCarriage": shipping_fee_fen,
        "sumPaymentNoCarriage": goods_fen,
        "discountFee": None,
        "additionalFee": None,
        # Inverted: true says that there is no promotion.
        "taoSampleSinglePromotion": True,
        "cargoList": [_serialize_line(line, error) for line in lines],
        "shopPromotionList": [],
        "tradeModelList": [
            {
                "tradeType": trade_type,
                "name": _TRADE_TYPE_NAMES[trade_type][0],
                "description": _TRADE_TYPE_NAMES[trade_type][1],
                "opSupport": not is_web_checkout_only,
            }
            for trade_type in trade_types
        ],
        "payChannelInfos": [{"name": "alipay"}, {"name": "shegou", "amountLimit": CREDIT_LIMIT_FEN}],
    }


def _serialize_line(line: CartLine, error: tuple[str, str]) -> dict[str, Any]:
    sku = line.order_line.sku
    code, message = (None, None) if line.problem is None else error
    return {
        "offerId": line.item.offer_id,
        "specId": sku.spec_id,
        "skuId": sku.sku_id,
        "amount": sku.price_fen * line.item.quantity / 100,
        "finalUnitPrice": sku.price_fen / 100,
        "resultCode": code,
        "message": message,
        "cargoPromotionList": [],
    }
