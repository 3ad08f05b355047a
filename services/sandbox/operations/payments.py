"""Payments: links to the cashier, and the payment channels of an order."""

from collections.abc import Callable
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.controls.clock import format_time
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import INVALID_ARGUMENT_ERRORS, BusinessError, InvalidArgument
from services.sandbox.operations.registry import trade_operation
from services.sandbox.trade.order_store import OrderStore
from services.sandbox.trade.orders import PAYMENT_TIMEOUT_MS, Order, OrderStatus

CASHIER_URL = "https://trade.1688.com/order/cashier.htm?orderId="
MAX_ALIPAY_ORDERS = 100
MAX_ORDERS = 30
"""Maximum number of orders in one link to Kuajingbao (cross-border payment) or Cheng-e-She (credit)."""

_ILLEGAL_ARGUMENT = ("400_1", "参数错误")
# An assumption for errors without a documented code.
_OTHER_ERROR = INVALID_ARGUMENT_ERRORS[Dialect.BOTH]
_MANUAL_TRADE = ("500", "Batch pay : not surport MANUAL-TRADE!")
_OUT_OF_STOCK_MESSAGE = "操作库存失败:PRODUCT_TRADE_STAT_ERROR,inventoryErrorIds:"
_NOT_PAYABLE_BY_KUAJINGBAO = ("400_4", "无可使用支付渠道[跨境宝]付款的订单")
_NOT_THE_BUYERS_ORDER = ("500_2", "没有权限获取该订单可支付方式。")


@trade_operation("alibaba.alipay.url.get", envelopes.ALIPAY, required=("orderIdList",))
async def get_alipay_url(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a link for the orders that can be paid, and the ids of the others."""
    order_ids = _parse_order_ids(arguments, MAX_ALIPAY_ORDERS)
    payable, others = _split_payable(context.state.order_store, order_ids, lambda order: True)
    if len(order_ids) > 1 and any(order.flags.manual_trade for order in payable):
        raise BusinessError(*_MANUAL_TRADE)
    out_of_stock = [order.order_id for order in payable if order.flags.out_of_stock]
    if out_of_stock:
        # It is not documented which ids 1688 adds to the message. The sandbox adds those of the orders.
        raise BusinessError("500", f"{_OUT_OF_STOCK_MESSAGE}[{','.join(map(str, out_of_stock))}]")
    return _build_link(payable, others, "payFailureOrderList", _OTHER_ERROR)


@trade_operation(
    "alibaba.crossBorderPay.url.get",
    envelopes.CROSS_BORDER_PAY,
    required=("orderIdList",),
    invalid_argument=_ILLEGAL_ARGUMENT,
)
async def get_cross_border_pay_url(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a link to Kuajingbao for the orders that it can pay, and the ids of the others."""
    payable, others = _split_payable(
        context.state.order_store,
        _parse_order_ids(arguments, MAX_ORDERS),
        lambda order: order.flags.kuajingbao,
    )
    return _build_link(payable, others, "cantPayOrderList", _NOT_PAYABLE_BY_KUAJINGBAO)


@trade_operation(
    "alibaba.creditPay.url.get",
    envelopes.CREDIT_PAY,
    required=("orderIdList",),
    invalid_argument=_ILLEGAL_ARGUMENT,
)
async def get_credit_pay_url(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a link to Cheng-e-She for the orders that it can pay, and the ids of the others."""
    payable, others = _split_payable(
        context.state.order_store, _parse_order_ids(arguments, MAX_ORDERS), lambda order: order.flags.credit
    )
    # The only known error code of this API.
    return _build_link(payable, others, "cantPayOrderList", _ILLEGAL_ARGUMENT)


@trade_operation("alibaba.trade.payWay.query", envelopes.CROSS_BORDER_PAY, required=("orderId",))
async def query_pay_ways(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the payment channels of an order that waits for payment."""
    order = context.state.order_store.find_order(arguments.integer("orderId") or 0)
    if order is not None and not order.flags.owned_by_buyer:
        raise BusinessError(*_NOT_THE_BUYERS_ORDER)
    if order is None or order.status is not OrderStatus.WAIT_BUYER_PAY:
        raise BusinessError(*_OTHER_ERROR)
    channels = (
        (1, "支付宝", True),
        (3, "诚e赊", order.flags.credit),
        (20, "跨境宝", order.flags.kuajingbao),
    )
    return {
        "resultList": {
            "channels": [{"code": code, "name": name} for code, name, available in channels if available],
            "orderId": str(order.order_id),
            "payFee": order.total_fen,
            "timeout": format_time(order.created_ms + PAYMENT_TIMEOUT_MS),
        }
    }


def _parse_order_ids(arguments: Arguments, max_orders: int) -> list[int]:
    """Return the ids of the orders to pay, without duplicates."""
    order_ids = arguments.integers("orderIdList")
    if not 1 <= len(order_ids) <= max_orders:
        raise InvalidArgument(f"orderIdList: must have 1 to {max_orders} orders")
    return list(dict.fromkeys(order_ids))


def _split_payable(
    order_store: OrderStore, order_ids: list[int], is_accepted: Callable[[Order], bool]
) -> tuple[list[Order], list[int]]:
    """Split the orders, and return the payable ones and the ids of the others.

    Payable: owned by the buyer, waiting for payment, and accepted by the payment channel.
    """
    payable = {
        order_id: order
        for order_id in order_ids
        if (order := order_store.find_order(order_id))
        and order.flags.owned_by_buyer
        and order.status is OrderStatus.WAIT_BUYER_PAY
        and is_accepted(order)
    }
    return list(payable.values()), [order_id for order_id in order_ids if order_id not in payable]


def _build_link(
    payable: list[Order], others: list[int], others_member: str, error: tuple[str, str]
) -> dict[str, Any]:
    """Return the payload. Raises BusinessError with `error` if no order can be paid."""
    if not payable:
        raise BusinessError(*error)
    link: dict[str, Any] = {"payUrl": CASHIER_URL + ";".join(str(order.order_id) for order in payable)}
    return link | {others_member: others} if others else link
