import pytest

from services.sandbox.trade.order_state_machine import Step, WrongStep
from services.sandbox.trade.orders import OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus, RefundStatus
from services.sandbox.trade.refunds.refund_state_machine import RefundStep, take_refund_step

MONEY, RETURN = DisputeRequest.REFUND, DisputeRequest.RETURN_REFUND
# How to get there from the application.
WAYS = {
    (MONEY, RefundStatus.WAIT_SELLER_AGREE): (),
    (MONEY, RefundStatus.WAIT_BUYER_MODIFY): (RefundStep.REFUSE,),
    (MONEY, RefundStatus.SUCCESS): (RefundStep.AGREE,),
    (MONEY, RefundStatus.CLOSED): (RefundStep.CLOSE,),
    (RETURN, RefundStatus.WAIT_SELLER_AGREE): (),
    (RETURN, RefundStatus.WAIT_BUYER_MODIFY): (RefundStep.REFUSE,),
    (RETURN, RefundStatus.WAIT_BUYER_SEND): (RefundStep.AGREE,),
    (RETURN, RefundStatus.WAIT_SELLER_RECEIVE): (RefundStep.AGREE, RefundStep.SEND),
    (RETURN, RefundStatus.SUCCESS): (RefundStep.AGREE, RefundStep.SEND, RefundStep.RECEIVE),
    (RETURN, RefundStatus.CLOSED): (RefundStep.CLOSE,),
}
CLOSING = {RefundStep.CLOSE, RefundStep.OUTRUN_BY_SHIPMENT, RefundStep.OUTRUN_BY_RECEIPT}
UNSENT = (RefundStatus.WAIT_SELLER_AGREE, RefundStatus.WAIT_BUYER_MODIFY, RefundStatus.WAIT_BUYER_SEND)
ALLOWED = {
    (MONEY, RefundStatus.WAIT_SELLER_AGREE, RefundStep.AGREE): RefundStatus.SUCCESS,
    (MONEY, RefundStatus.WAIT_SELLER_AGREE, RefundStep.REFUSE): RefundStatus.WAIT_BUYER_MODIFY,
    (RETURN, RefundStatus.WAIT_SELLER_AGREE, RefundStep.AGREE): RefundStatus.WAIT_BUYER_SEND,
    (RETURN, RefundStatus.WAIT_SELLER_AGREE, RefundStep.REFUSE): RefundStatus.WAIT_BUYER_MODIFY,
    (RETURN, RefundStatus.WAIT_BUYER_SEND, RefundStep.SEND): RefundStatus.WAIT_SELLER_RECEIVE,
    (RETURN, RefundStatus.WAIT_SELLER_RECEIVE, RefundStep.RECEIVE): RefundStatus.SUCCESS,
} | {
    (request, status, step): RefundStatus.CLOSED
    for request in (MONEY, RETURN)
    for status in UNSENT
    for step in CLOSING
}


@pytest.mark.parametrize("step", RefundStep)
@pytest.mark.parametrize(("request_", "status"), WAYS)
def test_every_step_from_every_status(book, make_order, ask, request_, status, step):
    order = make_order(OrderStatus.RECEIVED)
    refund = book.apply(order, ask(order, dispute_request=request_))
    for before in WAYS[request_, status]:
        take_refund_step(refund, before)
    assert refund.status is status
    wanted = ALLOWED.get((request_, status, step))
    if wanted:
        take_refund_step(refund, step)
        assert refund.status is wanted
        return
    facts, refunded_fen = list(order.facts), order.refunded_fen.total()
    with pytest.raises(WrongStep):
        take_refund_step(refund, step)
    assert refund.status is status
    assert (list(order.facts), order.refunded_fen.total()) == (facts, refunded_fen)


def test_the_actions_are_told_in_the_platforms_spelling(book, make_order, ask):
    order = make_order(OrderStatus.RECEIVED)
    refund = book.apply(order, ask(order))
    for step in (RefundStep.AGREE, RefundStep.SEND, RefundStep.RECEIVE):
        take_refund_step(refund, step)
    told = [(fact.happened, fact.status) for fact in order.facts if fact.refund_id == refund.refund_id]
    assert told == [
        ("BUYER_APPLY_REFUND", "waitselleragree"),
        ("SELLER_AGREE_REFUND_PROCOTOL", "waitbuyersend"),
        ("BUYER_SEND_GOODS", "waitsellerreceive"),
        ("SELLER_RECEIVE_GOODS", "refundsuccess"),
    ]
    assert (order.facts[-1].happened, order.status) == ("closed after refund", OrderStatus.CANCEL)


def test_part_of_the_money_leaves_the_order_open(book, make_order, ask):
    order = make_order(OrderStatus.RECEIVED)
    refund = book.apply(order, ask(order, dispute_request=MONEY, payment_fen=order.entries[0].sum_fen + 1))
    take_refund_step(refund, RefundStep.AGREE)
    assert order.status is OrderStatus.RECEIVED
    assert order.left == (order.entry_ids[1],)
    assert order.left_fen(order.entry_ids) == order.entries[1].sum_fen - 1


def test_after_sales_an_order_stays_a_success(book, make_order, ask):
    order = make_order(OrderStatus.SUCCESS)
    asked = ask(order, dispute_request=MONEY, goods_status=GoodsStatus.AFTER_SALE_RECEIVED)
    take_refund_step(book.apply(order, asked), RefundStep.AGREE)
    assert order.status is OrderStatus.SUCCESS
    assert order.left == ()


def in_sale(ask, order, entry_ids, goods_status):
    return ask(order, entry_ids, dispute_request=MONEY, goods_status=goods_status, reason_id=20006)


def test_an_order_that_waits_only_for_what_is_refunded_goes_on(book, make_order, ask):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    book.step(order, Step.SHIP, [first])
    refund = book.apply(order, in_sale(ask, order, [second], GoodsStatus.WAIT_SELLER_SEND))
    take_refund_step(refund, RefundStep.AGREE)
    assert order.status is OrderStatus.WAIT_BUYER_RECEIVE


def test_a_refunded_entry_is_not_shipped(book, make_order, ask):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    refund = book.apply(order, in_sale(ask, order, [first], GoodsStatus.WAIT_SELLER_SEND))
    take_refund_step(refund, RefundStep.AGREE)
    with pytest.raises(WrongStep):
        book.step(order, Step.SHIP, [first])
    book.step(order, Step.SHIP)
    assert (order.shipped, order.status) == ({second}, OrderStatus.WAIT_BUYER_RECEIVE)


def test_shipping_and_receiving_close_what_they_outrun(book, make_order, ask):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    refunds = [
        book.apply(order, in_sale(ask, order, [entry_id], GoodsStatus.WAIT_SELLER_SEND))
        for entry_id in (first, second)
    ]
    book.step(order, Step.SHIP, [first])
    assert [refund.is_open for refund in refunds] == [False, True]
    assert order.facts[-1].happened == "SELLER_SEND_GOODS_CLOSE"
    book.step(order, Step.SHIP)
    late = book.apply(order, in_sale(ask, order, [first], GoodsStatus.WAIT_BUYER_RECEIVE))
    book.step(order, Step.RECEIVE)
    assert late.status is RefundStatus.CLOSED
    assert order.facts[-1].happened == "BUYER_RECEIVE_CLOSE"
