"""Serializes the preview of an order. Its totals are fen, and the amounts of its lines are yuan."""

from collections.abc import Sequence
from typing import Any

from services.sandbox.trade.cart import CartLine
from services.sandbox.trade.promotions import QuotedLine, Reductions, quote_order

DEFAULT_FLOW = "general"
"""The sandbox has the same prices in all flows."""
CREDIT_LIMIT_FEN = 300_000

_TRADE_TYPE_NAMES = {
    "assureTrade": ("交易4.0通用流程", "担保"),
    "creditBuy": ("诚e赊交易", "诚e赊"),
}


def serialize_preview(
    lines: Sequence[CartLine],
    reductions: Reductions,
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
    quote = quote_order([line.order_line for line in lines], reductions if can_be_placed else Reductions())
    goods_fen, shipping_fee_fen = (quote.goods_fen, quote.shipping_fee_fen) if can_be_placed else (0, 0)
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
        "discountFee": quote.shop_promotion_fen or None,
        "additionalFee": None,
        **_serialize_red_packets(quote.red_packet_fen),
        # Inverted: true says that there is no promotion.
        "taoSampleSinglePromotion": not any(line.promotion_fen for line in quote.lines),
        "cargoList": [
            _serialize_line(line, quoted, error) for line, quoted in zip(lines, quote.lines, strict=True)
        ],
        "shopPromotionList": [
            _serialize_promotion(
                promotion.promotion_id,
                "店铺优惠",
                promotion.discount_fen,
                is_selected=promotion is quote.selected,
                free_postage=promotion.free_postage,
            )
            for promotion in quote.promotions
        ],
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


def _serialize_line(line: CartLine, quoted: QuotedLine, error: tuple[str, str]) -> dict[str, Any]:
    sku = line.order_line.sku
    code, message = (None, None) if line.problem is None else error
    promotion_id = f"{line.item.offer_id}-item"
    return {
        "offerId": line.item.offer_id,
        "specId": sku.spec_id,
        "skuId": sku.sku_id,
        "amount": quoted.amount_fen / 100,
        "finalUnitPrice": quoted.unit_price_fen / 100,
        "resultCode": code,
        "message": message,
        **_serialize_red_packets(quoted.red_packet_fen),
        "cargoPromotionList": [
            _serialize_promotion(promotion_id, "限时促销", quoted.promotion_fen, is_selected=True)
        ]
        if quoted.promotion_fen
        else [],
    }


def _serialize_promotion(
    promotion_id: str, text: str, discount_fen: int, *, is_selected: bool, free_postage: bool = False
) -> dict[str, Any]:
    return {
        "promotionId": promotion_id,
        "selected": is_selected,
        "text": text,
        "desc": "",
        "freePostage": free_postage,
        "discountFee": discount_fen,
    }


def _serialize_red_packets(amount_fen: int) -> dict[str, int]:
    """Return what red packets would pay. No sample has the member without red packets."""
    return {"totalFundUsageAmount": amount_fen} if amount_fen else {}
