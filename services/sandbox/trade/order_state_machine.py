"""The steps that an order can take, and from where."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.sandbox.trade.order_events import Event
from services.sandbox.trade.orders import Order, OrderStatus


class WrongStep(Exception):
    """An order or a refund is not where this step starts."""


class Step(StrEnum):
    """What buyer and seller do with an order."""

    MODIFY_PRICE = "modify_price"
    PAY = "pay"
    STEP_PAY = "step_pay"
    """A further instalment of a staged order; the first one is a PAY."""
    SHIP = "ship"
    RECEIVE = "receive"
    SUCCEED = "succeed"
    CLOSE = "close"
    """The buyer closes it."""
    CLOSE_BY_SELLER = "close by seller"
    CLOSE_BY_BACK_OFFICE = "close by back office"
    """The platform does, when a payment does not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step, done to the whole order."""

    before: OrderStatus
    after: OrderStatus
    event: Event


def _closing(event: Event) -> Transition:
    return Transition(before=OrderStatus.WAIT_BUYER_PAY, after=OrderStatus.CANCEL, event=event)


# A paid order is never closed by hand: its money goes back through a refund, which closes it.
TRANSITIONS: Mapping[Step, Transition] = {
    Step.MODIFY_PRICE: Transition(
        before=OrderStatus.WAIT_BUYER_PAY, after=OrderStatus.WAIT_BUYER_PAY, event=Event.PRICE_MODIFIED
    ),
    Step.PAY: Transition(
        before=OrderStatus.WAIT_BUYER_PAY, after=OrderStatus.WAIT_SELLER_SEND, event=Event.PAID
    ),
    Step.STEP_PAY: Transition(
        before=OrderStatus.WAIT_SELLER_SEND, after=OrderStatus.WAIT_SELLER_SEND, event=Event.STEP_PAID
    ),
    Step.SHIP: Transition(
        before=OrderStatus.WAIT_SELLER_SEND, after=OrderStatus.WAIT_BUYER_RECEIVE, event=Event.SHIPPED
    ),
    Step.RECEIVE: Transition(
        before=OrderStatus.WAIT_BUYER_RECEIVE, after=OrderStatus.RECEIVED, event=Event.RECEIVED
    ),
    Step.SUCCEED: Transition(before=OrderStatus.RECEIVED, after=OrderStatus.SUCCESS, event=Event.SUCCEEDED),
    Step.CLOSE: _closing(Event.CLOSED_BY_BUYER),
    Step.CLOSE_BY_SELLER: _closing(Event.CLOSED_BY_SELLER),
    Step.CLOSE_BY_BACK_OFFICE: _closing(Event.CLOSED_BY_BACK_OFFICE),
}


def take_step(order: Order, step: Step, entry_ids: Collection[int] | None = None) -> tuple[int, ...]:
    """Takes a step, and returns the ids of the entries it was taken with.

    `entry_ids` tells what is shipped if it is not everything that is left; the other steps concern the
    whole order. Raises WrongStep, and changes nothing then.
    """
    transition = TRANSITIONS[step]
    if order.status is not transition.before:
        raise WrongStep(f"{step}: the order is {order.status}, not {transition.before}")
    if step is Step.SHIP:
        return _ship(order, transition, entry_ids)
    order.status = transition.after
    if step is Step.PAY:
        order.paid_fen = order.goods_fen + order.carriage_fen
    order.note(transition.event)
    return order.entry_ids


def settle(order: Order) -> None:
    """Follows a refund that succeeded: an order that has nothing left is closed, one that waited for
    nothing but the refunded entries goes on. After success nothing changes any more.
    """
    if order.status is OrderStatus.SUCCESS:
        return
    if not order.left:
        order.status = OrderStatus.CANCEL
        order.note(Event.CLOSED_AFTER_REFUND)
    elif order.status is OrderStatus.WAIT_SELLER_SEND and _all_shipped(order):
        transition = TRANSITIONS[Step.SHIP]
        order.status = transition.after
        order.note(transition.event)


def _ship(order: Order, transition: Transition, entry_ids: Collection[int] | None) -> tuple[int, ...]:
    waiting = tuple(entry_id for entry_id in order.left if entry_id not in order.shipped)
    parcel = waiting if entry_ids is None else tuple(entry_ids)
    if not parcel or not set(parcel) <= set(waiting):
        raise WrongStep(f"{Step.SHIP}: the entries that wait are {list(waiting)}")
    order.shipped.update(parcel)
    if _all_shipped(order):
        order.status = transition.after
        order.note(transition.event, parcel)
    else:
        order.note(Event.PART_SHIPPED, parcel)
    return parcel


def _all_shipped(order: Order) -> bool:
    return order.shipped.issuperset(order.left)
