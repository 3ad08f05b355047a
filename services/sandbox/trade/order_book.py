"""Every order and every refund, and what can be done with them."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from services.sandbox.trade.logistics import Node, Parcel, Waybill
from services.sandbox.trade.order_events import Event
from services.sandbox.trade.order_lines import Line
from services.sandbox.trade.order_listener import NOBODY, Listener
from services.sandbox.trade.order_state_machine import Step, WrongStep, take_step
from services.sandbox.trade.orders import Entry, Order, OrderStatus, Traits
from services.sandbox.trade.payments import PaymentResult
from services.sandbox.trade.refunds.refund import GoodsStatus, Refund, Return
from services.sandbox.trade.refunds.refund_request import Application, check, shares_fen
from services.sandbox.trade.refunds.refund_state_machine import APPLIED, RefundStep, note, take_refund_step

KEPT_ORDERS = 10_000
"""The oldest is forgotten first, and its refunds with it."""
KEPT_REFUNDS = 10_000

# 19 digits, above 2**53. Steps of a million keep the last six digits, which tell the buyer, and with
# them the remainder that no float can hold: a reader that passes ids through floats changes every one.
FIRST_ORDER_ID = 2_396_952_137_381_498_520
ORDER_ID_STEP = 7_001_000_000
ENTRY_ID_STEP = 1_000_000
FIRST_PARCEL = 123_456_789
FIRST_WAYBILL = 3_110_044_550_034_338
FIRST_REFUND = 34_931_008_034_741_532
REFUND_STEP = 10_007

# What a step of the order does to refunds that told these whereabouts of the same entries.
_OUTRUN = {
    Step.SHIP: (GoodsStatus.WAIT_SELLER_SEND, RefundStep.OUTRUN_BY_SHIPMENT),
    Step.RECEIVE: (GoodsStatus.WAIT_BUYER_RECEIVE, RefundStep.OUTRUN_BY_RECEIPT),
}


class OrderBook:
    """The orders, refunds and parcels of the market. The listener hears of everything that happens."""

    def __init__(self, listener: Listener = NOBODY) -> None:
        self._listener = listener
        self._orders: OrderedDict[int, Order] = OrderedDict()
        self._refunds: OrderedDict[str, Refund] = OrderedDict()
        self._parcels: dict[str, Parcel] = {}
        self._made = 0
        self._applied = 0
        self._shipped = 0

    @property
    def orders(self) -> int:
        """How many orders are known."""
        return len(self._orders)

    @property
    def refunds(self) -> int:
        """How many refunds are known."""
        return len(self._refunds)

    def find(self, order_id: int) -> Order | None:
        """The order of this id."""
        return self._orders.get(order_id)

    def find_refund(self, refund_id: str) -> Refund | None:
        """The refund of this id."""
        return self._refunds.get(refund_id)

    def find_parcel(self, logistics_id: str) -> Parcel | None:
        """The parcel of this id."""
        return self._parcels.get(logistics_id)

    def make(self, lines: Sequence[Line], carriage_fen: int, traits: Traits, now_ms: int) -> Order:
        """A new order, which waits for its payment."""
        order_id = FIRST_ORDER_ID + self._made * ORDER_ID_STEP
        self._made += 1
        order = Order(
            order_id=order_id,
            created_ms=now_ms,
            entries=tuple(
                Entry(
                    entry_id=order_id + place * ENTRY_ID_STEP,
                    offer_id=line.offer.offer_id,
                    sku_id=line.sku.sku_id,
                    product_name=line.offer.title.zh,
                    sku_name=";".join(attribute.value.zh for attribute in line.sku.attributes),
                    quantity=line.quantity,
                    sum_fen=line.sku.price_fen * line.quantity,
                )
                for place, line in enumerate(lines, 1)
            ),
            carriage_fen=carriage_fen,
            traits=traits,
            seller_member_id=lines[0].offer.seller.member_id,
            listener=self._listener,
        )
        order.note(Event.MADE)
        self._orders[order_id] = order
        if len(self._orders) > KEPT_ORDERS:
            _, forgotten = self._orders.popitem(last=False)
            for refund_id in forgotten.refund_ids:
                del self._refunds[refund_id]
            for logistics_id in forgotten.logistics_ids:
                del self._parcels[logistics_id]
        return order

    def step(self, order: Order, step: Step, entry_ids: Collection[int] | None = None) -> None:
        """Takes a step with an order; a refund that it makes pointless is closed. Raises WrongStep."""
        concerned = take_step(order, step, entry_ids)
        if step is Step.SHIP:
            self._pack(order, concerned)
        if step not in _OUTRUN:
            return
        goods_status, refund_step = _OUTRUN[step]
        for refund in self.open_refunds(order):
            if refund.goods_status is goods_status and not set(concerned).isdisjoint(refund.entry_ids):
                take_refund_step(refund, refund_step)

    def modify_price(self, order: Order, carriage_fen: int) -> None:
        """The seller asks for another carriage. Raises WrongStep."""
        self.step(order, Step.MODIFY_PRICE)
        order.carriage_fen = carriage_fen

    def pay_together(
        self, order_ids: Collection[int], failures: Mapping[int, PaymentResult]
    ) -> Mapping[int, PaymentResult]:
        """Pays the buyer's orders that wait for it, except those that are to fail; what came of each."""
        results = {}
        for order_id in order_ids:
            order = self.find(order_id)
            result = failures.get(order_id, PaymentResult.PAID)
            if order is None or not order.traits.own or order.status is not OrderStatus.WAIT_BUYER_PAY:
                result = PaymentResult.PARAM_ILLEGAL
            elif result is PaymentResult.PAID:
                self.step(order, Step.PAY)
            results[order_id] = result
        self._listener.paid_together(results)
        return results

    def move(self, parcel: Parcel, node: Node) -> None:
        """A parcel reaches a node. Raises WrongStep if it was there before."""
        if node in parcel.nodes:
            raise WrongStep(f"{node}: the parcel was there before")
        parcel.nodes.append(node)
        self._listener.parcel_moved(parcel, node)

    def relabel(self, parcel: Parcel, waybill: Waybill) -> None:
        """A parcel goes on under another waybill."""
        old, parcel.waybill = parcel.waybill, waybill
        self._listener.parcel_relabelled(parcel, old)

    def _pack(self, order: Order, entry_ids: tuple[int, ...]) -> None:
        parcel = Parcel(
            logistics_id=f"LP{FIRST_PARCEL + self._shipped:011d}",
            order=order,
            entry_ids=entry_ids,
            waybill=Waybill(cp_code="ZTO", mail_no=str(FIRST_WAYBILL + self._shipped)),
        )
        self._shipped += 1
        self._parcels[parcel.logistics_id] = parcel
        order.logistics_ids.append(parcel.logistics_id)

    def open_refunds(self, order: Order) -> list[Refund]:
        """The refunds of an order that can still change."""
        refunds = (self._refunds[refund_id] for refund_id in order.refund_ids)
        return [refund for refund in refunds if refund.is_open]

    def apply(self, order: Order, asked: Application) -> Refund:
        """A new refund, which waits for the seller. Raises ApplicationRefused."""
        check(order, asked, self.open_refunds(order))
        refund = Refund(
            refund_id=f"TQ{FIRST_REFUND + self._applied * REFUND_STEP}",
            order=order,
            shares_fen=shares_fen(order, asked),
            apply_carriage_fen=asked.carriage_fen,
            reason_id=asked.reason_id,
            description=asked.description,
            dispute_request=asked.dispute_request,
            goods_status=asked.goods_status,
            vouchers=asked.vouchers,
            counts=dict(asked.counts),
            remark=asked.remark,
        )
        self._applied += 1
        self._refunds[refund.refund_id] = refund
        order.refund_ids.append(refund.refund_id)
        if len(self._refunds) > KEPT_REFUNDS:
            refund_id, forgotten = self._refunds.popitem(last=False)
            forgotten.order.refund_ids.remove(refund_id)
        note(refund, APPLIED)
        return refund

    def send_back(self, refund: Refund, parcel: Return) -> None:
        """The buyer sends the goods back. Raises WrongStep."""
        take_refund_step(refund, RefundStep.SEND)
        refund.returned = parcel
