"""The operations that lead a buyer to the cashier."""

from collections.abc import Callable
from typing import Any

from services.sandbox.controls.clock import spelled_out
from services.sandbox.http import envelopes
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import BAD_ARGUMENT, BadArgument, Refused
from services.sandbox.http.operation import Arguments, Operation
from services.sandbox.operations.registry import trade_operation
from services.sandbox.state import State
from services.sandbox.trade.orders import Order, OrderStatus

CASHIER = "https://trade.1688.com/order/cashier.htm?orderId="
PAY_WITHIN_MS = 7 * 24 * 3600 * 1000
"""From the making of an order to the end of its payment. Made up: no figure is known."""
MAX_ALIPAY_ORDERS = 100
MAX_ORDERS = 30
"""Of a link to Kuajingbao or credit."""

_ILLEGAL = ("400_1", "参数错误")
# No public trace shows how these APIs refuse what no documented code is about.
_NEUTRAL = BAD_ARGUMENT[Dialect.EITHER]
_MANUAL_TRADE = ("500", "Batch pay : not surport MANUAL-TRADE!")
_STOCK_GONE = "操作库存失败:PRODUCT_TRADE_STAT_ERROR,inventoryErrorIds:"
_NOT_BY_KUAJINGBAO = ("400_4", "无可使用支付渠道[跨境宝]付款的订单")
_NOT_THE_BUYERS = ("500_2", "没有权限获取该订单可支付方式。")


class PaymentOperations:
    """Handlers over the orders that wait for payment, and their rows for the table of operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> tuple[Operation, ...]:
        """Every operation on payments."""
        orders = ("orderIdList",)
        return (
            trade_operation("alibaba.alipay.url.get", self.alipay_url, envelopes.ALIPAY, required=orders),
            trade_operation(
                "alibaba.crossBorderPay.url.get",
                self.cross_border_pay_url,
                envelopes.CROSS_BORDER_PAY,
                required=orders,
                bad_argument=_ILLEGAL,
            ),
            trade_operation(
                "alibaba.creditPay.url.get",
                self.credit_pay_url,
                envelopes.CREDIT_PAY,
                required=orders,
                bad_argument=_ILLEGAL,
            ),
            trade_operation(
                "alibaba.trade.payWay.query",
                self.pay_ways,
                envelopes.CROSS_BORDER_PAY,
                required=("orderId",),
            ),
        )

    async def alipay_url(self, arguments: Arguments) -> Any:
        """A link for the orders that can be paid, and the ids of the others."""
        order_ids = _order_ids(arguments, MAX_ALIPAY_ORDERS)
        payable, others = self._sorted(order_ids, lambda order: True)
        if len(order_ids) > 1 and any(order.traits.manual_trade for order in payable):
            raise Refused(*_MANUAL_TRADE)
        gone = [order.order_id for order in payable if order.traits.stock_gone]
        if gone:
            # Which ids the text goes on with is not known; here they are the orders'.
            raise Refused("500", f"{_STOCK_GONE}[{','.join(map(str, gone))}]")
        return _link(payable, others, "payFailureOrderList", _NEUTRAL)

    async def cross_border_pay_url(self, arguments: Arguments) -> Any:
        """A link to Kuajingbao for the orders that it can pay, and the ids of the others."""
        payable, others = self._sorted(
            _order_ids(arguments, MAX_ORDERS), lambda order: order.traits.kuajingbao
        )
        return _link(payable, others, "cantPayOrderList", _NOT_BY_KUAJINGBAO)

    async def credit_pay_url(self, arguments: Arguments) -> Any:
        """A link to Cheng-e-She for the orders that it can pay, and the ids of the others."""
        payable, others = self._sorted(_order_ids(arguments, MAX_ORDERS), lambda order: order.traits.credit)
        # The one code that is known of this API.
        return _link(payable, others, "cantPayOrderList", _ILLEGAL)

    async def pay_ways(self, arguments: Arguments) -> Any:
        """The ways to pay an order that waits for its payment."""
        order = self._state.book.find(arguments.integer("orderId") or 0)
        if order is not None and not order.traits.own:
            raise Refused(*_NOT_THE_BUYERS)
        if order is None or order.status is not OrderStatus.WAIT_BUYER_PAY:
            raise Refused(*_NEUTRAL)
        channels = (
            (1, "支付宝", True),
            (3, "诚e赊", order.traits.credit),
            (20, "跨境宝", order.traits.kuajingbao),
        )
        return {
            "resultList": {
                "channels": [{"code": code, "name": name} for code, name, open_ in channels if open_],
                "orderId": str(order.order_id),
                "payFee": order.goods_fen + order.carriage_fen,
                "timeout": spelled_out(order.created_ms + PAY_WITHIN_MS),
            }
        }

    def _sorted(self, order_ids: list[int], takes: Callable[[Order], bool]) -> tuple[list[Order], list[int]]:
        """The buyer's orders that wait for payment and that a channel takes; the ids of all others."""
        payable = {
            order_id: order
            for order_id in order_ids
            if (order := self._state.book.find(order_id))
            and order.traits.own
            and order.status is OrderStatus.WAIT_BUYER_PAY
            and takes(order)
        }
        return list(payable.values()), [order_id for order_id in order_ids if order_id not in payable]


def _order_ids(arguments: Arguments, most: int) -> list[int]:
    """The orders to pay, each once."""
    order_ids = arguments.longs("orderIdList")
    if not 1 <= len(order_ids) <= most:
        raise BadArgument(f"orderIdList: 1 to {most} orders are needed")
    return list(dict.fromkeys(order_ids))


def _link(
    payable: list[Order], others: list[int], name_of_others: str, none: tuple[str, str]
) -> dict[str, Any]:
    if not payable:
        raise Refused(*none)
    link: dict[str, Any] = {"payUrl": CASHIER + ";".join(str(order.order_id) for order in payable)}
    return link | {name_of_others: others} if others else link
