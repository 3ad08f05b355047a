import pytest

from services.sandbox.trade.order_state_machine import InvalidTransition, OrderTransition
from services.sandbox.trade.orders import OrderStatus

ALLOWED = {
    (OrderStatus.WAIT_BUYER_PAY, OrderTransition.PAY): OrderStatus.WAIT_SELLER_SEND,
    (OrderStatus.WAIT_BUYER_PAY, OrderTransition.MODIFY_PRICE): OrderStatus.WAIT_BUYER_PAY,
    (OrderStatus.WAIT_BUYER_PAY, OrderTransition.CLOSE): OrderStatus.CANCEL,
    (OrderStatus.WAIT_BUYER_PAY, OrderTransition.CLOSE_BY_SELLER): OrderStatus.CANCEL,
    (OrderStatus.WAIT_BUYER_PAY, OrderTransition.CLOSE_BY_BACK_OFFICE): OrderStatus.CANCEL,
    (OrderStatus.WAIT_SELLER_SEND, OrderTransition.STEP_PAY): OrderStatus.WAIT_SELLER_SEND,
    (OrderStatus.WAIT_SELLER_SEND, OrderTransition.SHIP): OrderStatus.WAIT_BUYER_RECEIVE,
    (OrderStatus.WAIT_BUYER_RECEIVE, OrderTransition.RECEIVE): OrderStatus.RECEIVED,
    (OrderStatus.RECEIVED, OrderTransition.SUCCEED): OrderStatus.SUCCESS,
}


@pytest.mark.parametrize("transition", OrderTransition)
@pytest.mark.parametrize("status", OrderStatus)
def test_every_transition_from_every_status(book, make_order, status, transition):
    order = make_order(status)
    if (status, transition) in ALLOWED:
        book.transition(order, transition)
        assert order.status is ALLOWED[status, transition]
        assert order.events[-1].status == order.status
    else:
        events = list(order.events)
        with pytest.raises(InvalidTransition):
            book.transition(order, transition)
        assert (order.status, list(order.events)) == (status, events)


def test_events_from_creation_to_success(book, make_order):
    order = make_order(OrderStatus.SUCCESS)
    assert [(event.event, event.status) for event in order.events] == [
        ("made", "waitbuyerpay"),
        ("paid", "waitsellersend"),
        ("shipped", "waitbuyerreceive"),
        ("received", "confirm_goods_and_has_subsidy"),
        ("succeeded", "success"),
    ]


def test_payment_covers_goods_and_shipping_fee(make_order):
    assert make_order().paid_fen == 0
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    assert order.paid_fen == order.goods_fen + order.shipping_fee_fen > order.shipping_fee_fen > 0


def test_partial_shipments(book, make_order):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    book.transition(order, OrderTransition.SHIP, [first])
    assert (order.status, order.shipped) == (OrderStatus.WAIT_SELLER_SEND, {first})
    with pytest.raises(InvalidTransition):
        book.transition(order, OrderTransition.SHIP, [first])
    with pytest.raises(InvalidTransition):
        book.transition(order, OrderTransition.RECEIVE)
    book.transition(order, OrderTransition.SHIP)
    assert order.status is OrderStatus.WAIT_BUYER_RECEIVE
    events = [(event.event, event.entry_ids) for event in list(order.events)[-2:]]
    assert events == [("part shipped", (first,)), ("shipped", (second,))]


def test_partial_receipts(book, make_order):
    order = make_order(OrderStatus.WAIT_BUYER_RECEIVE)
    first, second = order.entry_ids
    book.transition(order, OrderTransition.RECEIVE, [first])
    assert (order.status, order.received) == (OrderStatus.WAIT_BUYER_RECEIVE, {first})
    for entry_ids in ([first], [7], [second, 7]):
        with pytest.raises(InvalidTransition):
            book.transition(order, OrderTransition.RECEIVE, entry_ids)
    book.transition(order, OrderTransition.RECEIVE)
    assert (order.status, order.received) == (OrderStatus.RECEIVED, {first, second})
    events = [(event.event, event.entry_ids) for event in list(order.events)[-2:]]
    assert events == [("received", (first,)), ("received", (second,))]
