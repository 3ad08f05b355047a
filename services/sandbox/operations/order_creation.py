"""Purchases: the preview of orders, and their creation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import BusinessError, Envelope, InvalidArgument
from services.sandbox.operations.registry import trade_operation
from services.sandbox.operations.schemas.purchase import parse_cart_items, parse_delivery_address
from services.sandbox.operations.serializers.order_creation import (
    serialize_failed_line,
    serialize_flat_creation,
    serialize_order,
    serialize_orders,
)
from services.sandbox.operations.serializers.order_preview import DEFAULT_FLOW, serialize_preview
from services.sandbox.trade.cart import CartLine, LineProblem, build_cart, split_by_seller
from services.sandbox.trade.order_store import OrderStore
from services.sandbox.trade.orders import Order, OrderFlags, OrderTerms
from services.sandbox.trade.promotions import Quote, quote_order

MAX_MESSAGE_CHARACTERS = 500
TRADE_TYPES = ("assureTrade", "creditBuy")
DEFAULT_TRADE_TYPE = "creditBuy"
"""1688 uses it if the call has no trade type and the buyer has Cheng-e-She (诚e赊), as the sandbox's has."""

# The codes are documented for the preview only. The texts are our translations into Chinese.
_LINE_ERRORS: Mapping[LineProblem, tuple[str, str]] = {
    LineProblem.NOT_FOR_SALE: ("500_001", "商品不支持在线交易"),
    LineProblem.SPEC_MISSING: ("500_002", "specId不能为空"),
    LineProblem.SPEC_UNKNOWN: ("500_003", "specId不属于该商品"),
    LineProblem.OUT_OF_STOCK: ("500_004", "库存不足"),
    LineProblem.BELOW_MINIMUM: ("500_005", "低于起订量"),
}
_SEVERAL_SELLERS = ("500_002", "商品属于多个供应商")
_NO_CONSIGNMENT_RELATION = ("500_007", "没有代销关系")


def _wrap_creation_error(error: BusinessError) -> Any:
    """Return the error. 1688 documents a rejected trade type as a text without a code."""
    if error.code:
        return {"success": False, "code": error.code, "message": error.message}
    result: Any = {"success": False, "code": None, "message": error.message, "failedOfferList": []}
    return {"result": result, "success": False}


_CREATION = Envelope(wrap_payload=lambda payload: payload, wrap_error=_wrap_creation_error)


@trade_operation(
    "alibaba.createOrder.preview", envelopes.FLAT_ERROR_MSG, required=("addressParam", "cargoParamList")
)
async def preview_orders(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the orders that a creation would make, with their prices."""
    parse_delivery_address(arguments)
    cart = build_cart(context.catalog, parse_cart_items(arguments))
    flow = arguments.string("flow") or DEFAULT_FLOW
    _check_flow(flow)
    _check_lines([line for line in cart if line.problem is not LineProblem.OUT_OF_STOCK])
    return {
        "orderPreviewResuslt": [
            serialize_preview(
                lines,
                context.state.variants.reductions,
                flow=flow,
                trade_types=TRADE_TYPES,
                is_web_checkout_only=context.state.variants.is_web_checkout_only(
                    line.item.offer_id for line in lines
                ),
                error=_LINE_ERRORS[LineProblem.OUT_OF_STOCK],
            )
            for lines in _split(context, cart)
        ],
        # All shipping fees of the sandbox are priced, and all its offers can be paid by Kuajingbao.
        "postFeeByDescOfferList": [],
        "unsupportedCrossBorderPayOfferList": [],
        "consignOfferList": [
            line.item.offer_id for line in cart if line.order_line.offer.consign_fen is not None
        ],
    }


@trade_operation(
    "alibaba.trade.createCrossOrder",
    _CREATION,
    required=("flow", "addressParam", "cargoParamList"),
    invalid_argument=("400", "参数错误"),
)
async def create_orders(context: SandboxContext, arguments: Arguments) -> Any:
    """Create an order, or one for each seller."""
    state = context.state
    terms = _parse_terms(arguments)
    cart = build_cart(context.catalog, parse_cart_items(arguments))
    _check_flow(arguments.string("flow") or "")
    if (
        terms.trade_type not in TRADE_TYPES
        # The API cannot order such offers with any trade type.
        or state.variants.is_web_checkout_only(line.item.offer_id for line in cart)
    ):
        raise BusinessError("", f"not support tradeType:【{terms.trade_type}】")
    if state.variants.invalid_lines == "reject":
        _check_lines(cart)
    if terms.out_order_id and state.variants.repeated_out_order_id == "same_order":
        existing = [
            order for order in state.order_store.orders if order.terms.out_order_id == terms.out_order_id
        ]
        if existing:
            return _serialize(context, existing[::-1], [])
    valid_lines = [line for line in cart if line.problem is None]
    failures = [
        serialize_failed_line(line, _LINE_ERRORS[line.problem]) for line in cart if line.problem is not None
    ]
    quotes = _quote(context, arguments, _split(context, valid_lines))
    uses_red_packets = arguments.string("useRedEnvelope") != "n"
    orders = [_create_order(state.order_store, quote, terms, uses_red_packets) for quote in quotes]
    return _serialize(context, orders, failures)


def _quote(
    context: SandboxContext, arguments: Arguments, orders: Sequence[Sequence[CartLine]]
) -> Sequence[Quote]:
    """Return the price of each order. Raises InvalidArgument for a promotion that no seller has."""
    promotion_id = arguments.string("shopPromotionId") or ""
    quotes = [
        quote_order([line.order_line for line in lines], context.state.variants.reductions, promotion_id)
        for lines in orders
    ]
    known = {promotion.promotion_id for quote in quotes for promotion in quote.promotions}
    if promotion_id and promotion_id not in known:
        raise InvalidArgument("shopPromotionId")
    return quotes


def _create_order(store: OrderStore, quote: Quote, terms: OrderTerms, uses_red_packets: bool) -> Order:
    """Create an order. 1688 spends red packets unless the creation excludes them."""
    lines = [
        replace(
            quoted.line,
            reduction_fen=quoted.line.list_fen
            - quoted.amount_fen
            + (quoted.red_packet_fen if uses_red_packets else 0),
        )
        for quoted in quote.lines
    ]
    red_packet_fen = quote.red_packet_fen if uses_red_packets else 0
    terms = replace(terms, red_packet_fen=red_packet_fen)
    return store.create_order(lines, quote.shipping_fee_fen, OrderFlags(), terms)


def _serialize(
    context: SandboxContext, orders: Sequence[Order], failures: Sequence[Mapping[str, str]]
) -> Any:
    if not orders:
        message = failures[0]["errorMessage"]
        result = {"success": False, "code": None, "message": message, "failedOfferList": failures}
        return {"result": result, "success": False}
    if len(orders) > 1:
        return serialize_orders(orders, failures)
    if context.state.variants.flat_creation:
        return serialize_flat_creation(orders[0])
    return serialize_order(orders[0], failures)


def _parse_terms(arguments: Arguments) -> OrderTerms:
    message = arguments.string("message") or ""
    if len(message) > MAX_MESSAGE_CHARACTERS:
        raise InvalidArgument(f"message: must have at most {MAX_MESSAGE_CHARACTERS} characters")
    return OrderTerms(
        address=parse_delivery_address(arguments),
        out_order_id=arguments.string("outOrderId") or None,
        trade_type=arguments.string("tradeType") or DEFAULT_TRADE_TYPE,
        message=message,
        pay_channel=arguments.string("preSelectPayChannel") or None,
    )


def _check_flow(flow: str) -> None:
    """Raise BusinessError for `saleproxy`: the sandbox's buyer is a consignee of no seller."""
    if flow == "saleproxy":
        raise BusinessError(*_NO_CONSIGNMENT_RELATION)


def _check_lines(lines: Sequence[CartLine]) -> None:
    """Raise BusinessError for the first line with a problem."""
    for line in lines:
        if line.problem is not None:
            code, text = _LINE_ERRORS[line.problem]
            names = "_".join(filter(None, (str(line.item.offer_id), line.item.spec_id)))
            raise BusinessError(code, f"[{names}] {text}")


def _split(context: SandboxContext, lines: Sequence[CartLine]) -> tuple[Sequence[CartLine], ...]:
    """Return the lines of each order. Raises BusinessError if they are of several sellers, by default."""
    orders = split_by_seller(lines)
    if len(orders) > 1 and context.state.variants.several_sellers == "reject":
        raise BusinessError(*_SEVERAL_SELLERS)
    return orders
