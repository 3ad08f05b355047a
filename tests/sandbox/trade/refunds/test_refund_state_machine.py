import pytest

from services.sandbox.trade.order_state_machine import InvalidTransition, OrderTransition
from services.sandbox.trade.orders import OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus, RefundStatus
from services.sandbox.trade.refunds.refund_state_machine import RefundTransition, transition_refund

MONEY, RETURN = DisputeRequest.REFUND, DisputeRequest.RETURN_REFUND
# The transitions from the request to a status.
PATHS = {
    (MONEY, RefundStatus.WAIT_SELLER_AGREE): (),
    (MONEY, RefundStatus.WAIT_BUYER_MODIFY): (RefundTransition.REJECT,),
    (MONEY, RefundStatus.SUCCESS): (RefundTransition.AGREE,),
    (MONEY, RefundStatus.CLOSED): (RefundTransition.CLOSE,),
    (RETURN, RefundStatus.WAIT_SELLER_AGREE): (),
    (RETURN, RefundStatus.WAIT_BUYER_MODIFY): (RefundTransition.REJECT,),
    (RETURN, RefundStatus.WAIT_BUYER_SEND): (RefundTransition.AGREE,),
    (RETURN, RefundStatus.WAIT_SELLER_RECEIVE): (RefundTransition.AGREE, RefundTransition.SEND),
    (RETURN, RefundStatus.SUCCESS): (RefundTransition.AGREE, RefundTransition.SEND, RefundTransition.RECEIVE),
    (RETURN, RefundStatus.CLOSED): (RefundTransition.CLOSE,),
}
CLOSING = {RefundTransition.CLOSE, RefundTransition.CLOSE_BY_SHIPMENT, RefundTransition.CLOSE_BY_RECEIPT}
NOT_SENT = (RefundStatus.WAIT_SELLER_AGREE, RefundStatus.WAIT_BUYER_MODIFY, RefundStatus.WAIT_BUYER_SEND)
ALLOWED = {
    (MONEY, RefundStatus.WAIT_SELLER_AGREE, RefundTransition.AGREE): RefundStatus.SUCCESS,
    (MONEY, RefundStatus.WAIT_SELLER_AGREE, RefundTransition.REJECT): RefundStatus.WAIT_BUYER_MODIFY,
    (RETURN, RefundStatus.WAIT_SELLER_AGREE, RefundTransition.AGREE): RefundStatus.WAIT_BUYER_SEND,
    (RETURN, RefundStatus.WAIT_SELLER_AGREE, RefundTransition.REJECT): RefundStatus.WAIT_BUYER_MODIFY,
    (RETURN, RefundStatus.WAIT_BUYER_SEND, RefundTransition.SEND): RefundStatus.WAIT_SELLER_RECEIVE,
    (RETURN, RefundStatus.WAIT_SELLER_RECEIVE, RefundTransition.RECEIVE): RefundStatus.SUCCESS,
} | {
    (request, status, transition): RefundStatus.CLOSED
    for request in (MONEY, RETURN)
    for status in NOT_SENT
    for transition in CLOSING
}


@pytest.mark.parametrize("transition", RefundTransition)
@pytest.mark.parametrize(("request_", "status"), PATHS)
def test_every_transition_from_every_status(book, make_order, make_request, request_, status, transition):
    order = make_order(OrderStatus.RECEIVED)
    refund = book.create_refund(order, make_request(order, dispute_request=request_))
    for before in PATHS[request_, status]:
        transition_refund(refund, before)
    assert refund.status is status
    expected = ALLOWED.get((request_, status, transition))
    if expected:
        transition_refund(refund, transition)
        assert refund.status is expected
        return
    events, refunded_fen = list(order.events), order.refunded_fen.total()
    with pytest.raises(InvalidTransition):
        transition_refund(refund, transition)
    assert refund.status is status
    assert (list(order.events), order.refunded_fen.total()) == (events, refunded_fen)


def test_the_actions_are_spelled_as_on_1688(book, make_order, make_request):
    order = make_order(OrderStatus.RECEIVED)
    refund = book.create_refund(order, make_request(order))
    for transition in (RefundTransition.AGREE, RefundTransition.SEND, RefundTransition.RECEIVE):
        transition_refund(refund, transition)
    events = [(event.event, event.status) for event in order.events if event.refund_id == refund.refund_id]
    assert events == [
        ("BUYER_APPLY_REFUND", "waitselleragree"),
        ("SELLER_AGREE_REFUND_PROCOTOL", "waitbuyersend"),
        ("BUYER_SEND_GOODS", "waitsellerreceive"),
        ("SELLER_RECEIVE_GOODS", "refundsuccess"),
    ]
    assert (order.events[-1].event, order.status) == ("closed after refund", OrderStatus.CANCEL)


def test_partial_refund_keeps_the_order_open(book, make_order, make_request):
    order = make_order(OrderStatus.RECEIVED)
    refund = book.create_refund(
        order, make_request(order, dispute_request=MONEY, payment_fen=order.entries[0].sum_fen + 1)
    )
    transition_refund(refund, RefundTransition.AGREE)
    assert order.status is OrderStatus.RECEIVED
    assert order.remaining_entry_ids == (order.entry_ids[1],)
    assert order.remaining_fen(order.entry_ids) == order.entries[1].sum_fen - 1


def test_refund_after_sale_keeps_the_order_status(book, make_order, make_request):
    order = make_order(OrderStatus.SUCCESS)
    request = make_request(order, dispute_request=MONEY, goods_status=GoodsStatus.AFTER_SALE_RECEIVED)
    transition_refund(book.create_refund(order, request), RefundTransition.AGREE)
    assert order.status is OrderStatus.SUCCESS
    assert order.remaining_entry_ids == ()


def in_sale(make_request, order, entry_ids, goods_status):
    return make_request(order, entry_ids, dispute_request=MONEY, goods_status=goods_status, reason_id=20006)


def test_order_is_shipped_when_unshipped_entries_are_refunded(book, make_order, make_request):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    book.transition(order, OrderTransition.SHIP, [first])
    refund = book.create_refund(order, in_sale(make_request, order, [second], GoodsStatus.WAIT_SELLER_SEND))
    transition_refund(refund, RefundTransition.AGREE)
    assert order.status is OrderStatus.WAIT_BUYER_RECEIVE


def test_order_is_received_when_unreceived_entries_are_refunded(book, make_order, make_request):
    order = make_order(OrderStatus.WAIT_BUYER_RECEIVE)
    first, second = order.entry_ids
    book.transition(order, OrderTransition.RECEIVE, [first])
    refund = book.create_refund(order, in_sale(make_request, order, [second], GoodsStatus.WAIT_BUYER_RECEIVE))
    transition_refund(refund, RefundTransition.AGREE)
    assert (order.status, order.events[-1].event) == (OrderStatus.RECEIVED, "received")


def test_refunded_entry_is_not_shipped(book, make_order, make_request):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    refund = book.create_refund(order, in_sale(make_request, order, [first], GoodsStatus.WAIT_SELLER_SEND))
    transition_refund(refund, RefundTransition.AGREE)
    with pytest.raises(InvalidTransition):
        book.transition(order, OrderTransition.SHIP, [first])
    book.transition(order, OrderTransition.SHIP)
    assert (order.shipped, order.status) == ({second}, OrderStatus.WAIT_BUYER_RECEIVE)


def test_shipment_and_receipt_close_obsolete_refunds(book, make_order, make_request):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    refunds = [
        book.create_refund(order, in_sale(make_request, order, [entry_id], GoodsStatus.WAIT_SELLER_SEND))
        for entry_id in (first, second)
    ]
    book.transition(order, OrderTransition.SHIP, [first])
    assert [refund.is_open for refund in refunds] == [False, True]
    assert order.events[-1].event == "SELLER_SEND_GOODS_CLOSE"
    book.transition(order, OrderTransition.SHIP)
    late = book.create_refund(order, in_sale(make_request, order, [first], GoodsStatus.WAIT_BUYER_RECEIVE))
    book.transition(order, OrderTransition.RECEIVE)
    assert late.status is RefundStatus.CLOSED
    assert order.events[-1].event == "BUYER_RECEIVE_CLOSE"
