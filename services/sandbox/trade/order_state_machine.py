"""The transitions of an order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.sandbox.trade.order_events import EventType
from services.sandbox.trade.orders import Order, OrderStatus


class InvalidTransition(Exception):
    """The status of an order, a refund or a logistics order does not allow this transition."""


class OrderTransition(StrEnum):
    """The transitions that buyer, seller and platform can make."""

    MODIFY_PRICE = "modify_price"
    PAY = "pay"
    STEP_PAY = "step_pay"
    """A further instalment of an order that is paid in steps; the first instalment is PAY."""
    SHIP = "ship"
    RECEIVE = "receive"
    SUCCEED = "succeed"
    CLOSE = "close"
    """The buyer closes the order."""
    CLOSE_BY_SELLER = "close by seller"
    CLOSE_BY_BACK_OFFICE = "close by back office"
    """The platform closes the order, if the buyer does not pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTransitionRule:
    """One transition of a whole order."""

    before: OrderStatus
    after: OrderStatus
    event: EventType


def _close(event: EventType) -> OrderTransitionRule:
    return OrderTransitionRule(before=OrderStatus.WAIT_BUYER_PAY, after=OrderStatus.CANCEL, event=event)


# A paid order is closed only by a refund of all its entries.
RULES: Mapping[OrderTransition, OrderTransitionRule] = {
    OrderTransition.MODIFY_PRICE: OrderTransitionRule(
        before=OrderStatus.WAIT_BUYER_PAY, after=OrderStatus.WAIT_BUYER_PAY, event=EventType.PRICE_MODIFIED
    ),
    OrderTransition.PAY: OrderTransitionRule(
        before=OrderStatus.WAIT_BUYER_PAY, after=OrderStatus.WAIT_SELLER_SEND, event=EventType.PAID
    ),
    OrderTransition.STEP_PAY: OrderTransitionRule(
        before=OrderStatus.WAIT_SELLER_SEND, after=OrderStatus.WAIT_SELLER_SEND, event=EventType.STEP_PAID
    ),
    OrderTransition.SHIP: OrderTransitionRule(
        before=OrderStatus.WAIT_SELLER_SEND, after=OrderStatus.WAIT_BUYER_RECEIVE, event=EventType.SHIPPED
    ),
    OrderTransition.RECEIVE: OrderTransitionRule(
        before=OrderStatus.WAIT_BUYER_RECEIVE, after=OrderStatus.RECEIVED, event=EventType.RECEIVED
    ),
    OrderTransition.SUCCEED: OrderTransitionRule(
        before=OrderStatus.RECEIVED, after=OrderStatus.SUCCESS, event=EventType.SUCCEEDED
    ),
    OrderTransition.CLOSE: _close(EventType.CLOSED_BY_BUYER),
    OrderTransition.CLOSE_BY_SELLER: _close(EventType.CLOSED_BY_SELLER),
    OrderTransition.CLOSE_BY_BACK_OFFICE: _close(EventType.CLOSED_BY_BACK_OFFICE),
}


def transition_order(
    order: Order, transition: OrderTransition, entry_ids: Collection[int] | None = None
) -> tuple[int, ...]:
    """Make a transition, and return the ids of the entries that it changed.

    `entry_ids` are the entries to ship, or whose receipt is confirmed; None: all that are neither shipped nor
    fully refunded, or all. Other transitions change the whole order.
    Raises InvalidTransition, and then changes nothing.
    """
    rule = RULES[transition]
    if order.status is not rule.before:
        raise InvalidTransition(f"{transition}: the order is {order.status}, not {rule.before}")
    if transition is OrderTransition.SHIP:
        return _ship(order, rule, entry_ids)
    if transition is OrderTransition.RECEIVE:
        return _receive(order, rule, order.entry_ids if entry_ids is None else entry_ids)
    order.status = rule.after
    if transition is OrderTransition.PAY:
        order.paid_fen = order.total_fen
    order.add_event(rule.event)
    return order.entry_ids


def list_transitions(order: Order) -> list[OrderTransition]:
    """Return the transitions that the status of an order allows."""
    return [transition for transition, rule in RULES.items() if order.status is rule.before]


def update_after_refund(order: Order) -> None:
    """Update the status of an order after a refund succeeded.

    An order whose entries are all fully refunded is closed. An order that waits only for the shipment of
    refunded entries counts as shipped, and one that waits only for the receipt of refunded entries counts as
    received. An order that has succeeded keeps its status.
    """
    if order.status is OrderStatus.SUCCESS:
        return
    if not order.remaining_entry_ids:
        order.status = OrderStatus.CANCEL
        order.add_event(EventType.CLOSED_AFTER_REFUND)
    elif order.status is OrderStatus.WAIT_SELLER_SEND and _is_fully_shipped(order):
        _complete(order, RULES[OrderTransition.SHIP])
    elif order.status is OrderStatus.WAIT_BUYER_RECEIVE and _is_fully_received(order):
        _complete(order, RULES[OrderTransition.RECEIVE])


def _complete(order: Order, rule: OrderTransitionRule) -> None:
    order.status = rule.after
    order.add_event(rule.event)


def _ship(order: Order, rule: OrderTransitionRule, entry_ids: Collection[int] | None) -> tuple[int, ...]:
    unshipped = tuple(entry_id for entry_id in order.remaining_entry_ids if entry_id not in order.shipped)
    shipped_now = unshipped if entry_ids is None else tuple(entry_ids)
    if not shipped_now or not set(shipped_now) <= set(unshipped):
        raise InvalidTransition(f"{OrderTransition.SHIP}: the unshipped entries are {list(unshipped)}")
    order.shipped.update(shipped_now)
    if _is_fully_shipped(order):
        order.status = rule.after
        order.add_event(rule.event, shipped_now)
    else:
        order.add_event(EventType.PART_SHIPPED, shipped_now)
    return shipped_now


def _receive(order: Order, rule: OrderTransitionRule, entry_ids: Collection[int]) -> tuple[int, ...]:
    """Confirm the receipt of some entries. A part of them does not change the status of the order."""
    unreceived = tuple(entry_id for entry_id in order.entry_ids if entry_id not in order.received)
    received_now = tuple(entry_id for entry_id in unreceived if entry_id in entry_ids)
    if not received_now or len(received_now) < len(set(entry_ids) - order.received):
        raise InvalidTransition(f"{OrderTransition.RECEIVE}: the unreceived entries are {list(unreceived)}")
    order.received.update(received_now)
    if _is_fully_received(order):
        order.status = rule.after
    order.add_event(rule.event, received_now)
    return received_now


def _is_fully_received(order: Order) -> bool:
    return bool(order.received) and order.received.issuperset(order.remaining_entry_ids)


def _is_fully_shipped(order: Order) -> bool:
    return order.shipped.issuperset(order.remaining_entry_ids)
