"""Stores the purchase orders with their refunds and logistics orders, and changes them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from services.sandbox.trade.logistics import LogisticsOrder, LogisticsStatus, Waybill
from services.sandbox.trade.order_events import EventType
from services.sandbox.trade.order_lines import OrderLine
from services.sandbox.trade.order_listener import NO_LISTENER, OrderListener
from services.sandbox.trade.order_state_machine import InvalidTransition, OrderTransition, transition_order
from services.sandbox.trade.orders import (
    Order,
    OrderClosing,
    OrderEntry,
    OrderFlags,
    OrderStatus,
    OrderTerms,
    PaymentResult,
)
from services.sandbox.trade.refunds.refund import GoodsStatus, Refund, ReturnShipment
from services.sandbox.trade.refunds.refund_request import (
    RefundRequest,
    allocate_payment_fen,
    check_refund_request,
)
from services.sandbox.trade.refunds.refund_state_machine import (
    REFUND_REQUESTED,
    RefundTransition,
    add_refund_event,
    transition_refund,
)

MAX_ORDERS = 10_000
"""The oldest is dropped first, with its refunds."""
MAX_REFUNDS = 10_000

# Ids have 19 digits. The steps do not change the last six digits, which identify the buyer on 1688. No float
# can represent these ids, so a reader that converts ids to floats changes each of them.
FIRST_ORDER_ID = 2_396_952_137_381_498_520
ORDER_ID_STEP = 7_001_000_000
ENTRY_ID_STEP = 1_000_000
FIRST_LOGISTICS_NUMBER = 123_456_789
FIRST_WAYBILL_NUMBER = 3_110_044_550_034_338
FIRST_REFUND_NUMBER = 34_931_008_034_741_532
REFUND_NUMBER_STEP = 10_007

# A transition of an order closes the refunds of its entries that were requested with this goods status.
_CLOSED_REFUNDS = {
    OrderTransition.SHIP: (GoodsStatus.WAIT_SELLER_SEND, RefundTransition.CLOSE_BY_SHIPMENT),
    OrderTransition.RECEIVE: (GoodsStatus.WAIT_BUYER_RECEIVE, RefundTransition.CLOSE_BY_RECEIPT),
}


def _read_system_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class OrderStore:
    """The orders, refunds and logistics orders. The listener is called for each change."""

    def __init__(
        self, listener: OrderListener = NO_LISTENER, now_ms: Callable[[], int] = _read_system_clock_ms
    ) -> None:
        self._listener = listener
        self._now_ms = now_ms
        self._orders: OrderedDict[int, Order] = OrderedDict()
        self._refunds: OrderedDict[str, Refund] = OrderedDict()
        self._logistics: dict[str, LogisticsOrder] = {}
        self._orders_created = 0
        self._refunds_created = 0
        self._logistics_created = 0

    @property
    def order_count(self) -> int:
        """The number of orders."""
        return len(self._orders)

    @property
    def refund_count(self) -> int:
        """The number of refunds."""
        return len(self._refunds)

    @property
    def orders(self) -> Sequence[Order]:
        """All orders, the newest first."""
        return tuple(reversed(self._orders.values()))

    @property
    def refunds(self) -> Sequence[Refund]:
        """All refunds, the newest first."""
        return tuple(reversed(self._refunds.values()))

    @property
    def logistics(self) -> Sequence[LogisticsOrder]:
        """All logistics orders, the newest first."""
        return tuple(reversed(self._logistics.values()))

    def find_order(self, order_id: int) -> Order | None:
        """Return the order with this id."""
        return self._orders.get(order_id)

    def find_refund(self, refund_id: str) -> Refund | None:
        """Return the refund with this id."""
        return self._refunds.get(refund_id)

    def find_logistics(self, logistics_id: str) -> LogisticsOrder | None:
        """Return the logistics order with this id."""
        return self._logistics.get(logistics_id)

    def list_refunds(self, order: Order) -> list[Refund]:
        """Return the refunds of an order, the oldest first."""
        return [self._refunds[refund_id] for refund_id in order.refund_ids]

    def list_open_refunds(self, order: Order) -> list[Refund]:
        """Return the refunds of an order whose status can still change, the oldest first."""
        return [refund for refund in self.list_refunds(order) if refund.is_open]

    def list_logistics(self, order: Order) -> list[LogisticsOrder]:
        """Return the logistics orders of an order, the oldest first."""
        return [self._logistics[logistics_id] for logistics_id in order.logistics_ids]

    def create_order(
        self,
        lines: Sequence[OrderLine],
        shipping_fee_fen: int,
        flags: OrderFlags,
        terms: OrderTerms | None = None,
    ) -> Order:
        """Create an order, which waits for its payment."""
        order_id = FIRST_ORDER_ID + self._orders_created * ORDER_ID_STEP
        self._orders_created += 1
        order = Order(
            order_id=order_id,
            created_ms=self._now_ms(),
            entries=tuple(
                OrderEntry(
                    # The only entry of an order has the order's id.
                    entry_id=order_id if len(lines) == 1 else order_id + number * ENTRY_ID_STEP,
                    offer_id=line.offer.offer_id,
                    sku_id=line.sku.sku_id,
                    product_name=line.offer.title.zh,
                    sku_name=";".join(attribute.value.zh for attribute in line.sku.attributes),
                    quantity=line.quantity,
                    list_fen=line.list_fen,
                    sum_fen=line.list_fen - line.reduction_fen,
                )
                for number, line in enumerate(lines, 1)
            ),
            shipping_fee_fen=shipping_fee_fen,
            flags=flags,
            seller_member_id=lines[0].offer.seller.member_id,
            terms=terms or OrderTerms(),
            now_ms=self._now_ms,
            on_event=self._listener.on_order_event,
        )
        order.add_event(EventType.MADE)
        self._orders[order_id] = order
        if len(self._orders) > MAX_ORDERS:
            _, dropped = self._orders.popitem(last=False)
            for refund_id in dropped.refund_ids:
                del self._refunds[refund_id]
            for logistics_id in dropped.logistics_ids:
                del self._logistics[logistics_id]
        return order

    def transition(
        self,
        order: Order,
        transition: OrderTransition,
        entry_ids: Collection[int] | None = None,
        *,
        waybill: Waybill | None = None,
    ) -> None:
        """Make a transition, and close the refunds that it makes obsolete. Raises InvalidTransition.

        `waybill` is that of a shipment; None: a new one.
        """
        changed = transition_order(order, transition, entry_ids)
        if transition is OrderTransition.SHIP:
            self._create_logistics(order, changed, waybill)
        if transition not in _CLOSED_REFUNDS:
            return
        goods_status, refund_transition = _CLOSED_REFUNDS[transition]
        for refund in self.list_open_refunds(order):
            if refund.goods_status is goods_status and not set(changed).isdisjoint(refund.entry_ids):
                transition_refund(refund, refund_transition)

    def modify_price(self, order: Order, shipping_fee_fen: int, discount_fen: int = 0) -> None:
        """Change the shipping fee and the price of the first entry, as the seller can.

        `discount_fen` is negative for a reduction, and replaces an earlier one. Raises InvalidTransition,
        also for a price below zero.
        """
        first, *others = order.entries
        sum_fen = first.sum_fen - first.discount_fen + discount_fen
        if sum_fen < 0:
            raise InvalidTransition(
                f"{OrderTransition.MODIFY_PRICE}: the first entry would cost {sum_fen} fen"
            )
        self.transition(order, OrderTransition.MODIFY_PRICE)
        order.shipping_fee_fen = shipping_fee_fen
        order.entries = (replace(first, sum_fen=sum_fen, discount_fen=discount_fen), *others)

    def close(self, order: Order, closing: OrderClosing) -> None:
        """Close an order for the buyer. Raises InvalidTransition."""
        self.transition(order, OrderTransition.CLOSE)
        order.closing = closing

    def pay_batch(
        self, order_ids: Collection[int], failures: Mapping[int, PaymentResult]
    ) -> Mapping[int, PaymentResult]:
        """Pay the buyer's orders that wait for payment, and return the results.

        Orders in `failures` are not paid, and their result is taken from there.
        """
        results = {}
        for order_id in order_ids:
            order = self.find_order(order_id)
            result = failures.get(order_id, PaymentResult.PAID)
            if (
                order is None
                or not order.flags.owned_by_buyer
                or order.status is not OrderStatus.WAIT_BUYER_PAY
            ):
                result = PaymentResult.PARAM_ILLEGAL
            elif result is PaymentResult.PAID:
                self.transition(order, OrderTransition.PAY)
            results[order_id] = result
        self._listener.on_batch_paid(results)
        return results

    def update_logistics_status(self, logistics: LogisticsOrder, status: LogisticsStatus) -> None:
        """Add a status to a logistics order. Raises InvalidTransition if it already had that status."""
        if status in logistics.statuses:
            raise InvalidTransition(f"{status}: the logistics order already had this status")
        logistics.reached_ms[status] = self._now_ms()
        self._listener.on_logistics_status(logistics, status)

    def change_waybill(self, logistics: LogisticsOrder, waybill: Waybill) -> None:
        """Replace the waybill of a logistics order."""
        old, logistics.waybill = logistics.waybill, waybill
        self._listener.on_waybill_changed(logistics, old)

    def create_refund(self, order: Order, request: RefundRequest) -> Refund:
        """Create a refund, which waits for the seller. Raises RefundRequestRejected."""
        check_refund_request(order, request, self.list_open_refunds(order))
        refund = Refund(
            refund_id=f"TQ{FIRST_REFUND_NUMBER + self._refunds_created * REFUND_NUMBER_STEP}",
            order=order,
            payments_fen=allocate_payment_fen(order, request),
            apply_shipping_fee_fen=request.shipping_fee_fen,
            reason_id=request.reason_id,
            description=request.description,
            dispute_request=request.dispute_request,
            goods_status=request.goods_status,
            vouchers=request.vouchers,
            counts=dict(request.counts),
            remark=request.remark,
            created_ms=self._now_ms(),
        )
        self._refunds_created += 1
        self._refunds[refund.refund_id] = refund
        order.refund_ids.append(refund.refund_id)
        if len(self._refunds) > MAX_REFUNDS:
            refund_id, dropped = self._refunds.popitem(last=False)
            dropped.order.refund_ids.remove(refund_id)
        add_refund_event(refund, REFUND_REQUESTED)
        return refund

    def return_goods(self, refund: Refund, shipment: ReturnShipment) -> None:
        """Record that the buyer sends the goods back. Raises InvalidTransition."""
        transition_refund(refund, RefundTransition.SEND)
        refund.return_shipment = shipment

    def _create_logistics(self, order: Order, entry_ids: tuple[int, ...], waybill: Waybill | None) -> None:
        new_waybill = Waybill(cp_code="ZTO", mail_no=str(FIRST_WAYBILL_NUMBER + self._logistics_created))
        logistics = LogisticsOrder(
            logistics_id=f"LP{FIRST_LOGISTICS_NUMBER + self._logistics_created:011d}",
            order=order,
            entry_ids=entry_ids,
            waybill=waybill or new_waybill,
            created_ms=self._now_ms(),
        )
        self._logistics_created += 1
        self._logistics[logistics.logistics_id] = logistics
        order.logistics_ids.append(logistics.logistics_id)
