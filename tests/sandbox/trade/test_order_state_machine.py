import pytest

from services.sandbox.trade.order_state_machine import Step, WrongStep
from services.sandbox.trade.orders import OrderStatus

ALLOWED = {
    (OrderStatus.WAIT_BUYER_PAY, Step.PAY): OrderStatus.WAIT_SELLER_SEND,
    (OrderStatus.WAIT_BUYER_PAY, Step.MODIFY_PRICE): OrderStatus.WAIT_BUYER_PAY,
    (OrderStatus.WAIT_BUYER_PAY, Step.CLOSE): OrderStatus.CANCEL,
    (OrderStatus.WAIT_BUYER_PAY, Step.CLOSE_BY_SELLER): OrderStatus.CANCEL,
    (OrderStatus.WAIT_BUYER_PAY, Step.CLOSE_BY_BACK_OFFICE): OrderStatus.CANCEL,
    (OrderStatus.WAIT_SELLER_SEND, Step.STEP_PAY): OrderStatus.WAIT_SELLER_SEND,
    (OrderStatus.WAIT_SELLER_SEND, Step.SHIP): OrderStatus.WAIT_BUYER_RECEIVE,
    (OrderStatus.WAIT_BUYER_RECEIVE, Step.RECEIVE): OrderStatus.RECEIVED,
    (OrderStatus.RECEIVED, Step.SUCCEED): OrderStatus.SUCCESS,
}


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("status", OrderStatus)
def test_every_step_from_every_status(book, make_order, status, step):
    order = make_order(status)
    if (status, step) in ALLOWED:
        book.step(order, step)
        assert order.status is ALLOWED[status, step]
        assert order.facts[-1].status == order.status
    else:
        facts = list(order.facts)
        with pytest.raises(WrongStep):
            book.step(order, step)
        assert (order.status, list(order.facts)) == (status, facts)


def test_a_whole_life_is_told(book, make_order):
    order = make_order(OrderStatus.SUCCESS)
    assert [(fact.happened, fact.status) for fact in order.facts] == [
        ("made", "waitbuyerpay"),
        ("paid", "waitsellersend"),
        ("shipped", "waitbuyerreceive"),
        ("received", "confirm_goods_and_has_subsidy"),
        ("succeeded", "success"),
    ]


def test_payment_covers_goods_and_carriage(make_order):
    assert make_order().paid_fen == 0
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    assert order.paid_fen == order.goods_fen + order.carriage_fen > order.carriage_fen > 0


def test_shipping_in_parts(book, make_order):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    book.step(order, Step.SHIP, [first])
    assert (order.status, order.shipped) == (OrderStatus.WAIT_SELLER_SEND, {first})
    with pytest.raises(WrongStep):
        book.step(order, Step.SHIP, [first])
    with pytest.raises(WrongStep):
        book.step(order, Step.RECEIVE)
    book.step(order, Step.SHIP)
    assert order.status is OrderStatus.WAIT_BUYER_RECEIVE
    told = [(fact.happened, fact.entry_ids) for fact in list(order.facts)[-2:]]
    assert told == [("part shipped", (first,)), ("shipped", (second,))]
