import pytest

from services.sandbox.trade.order_state_machine import OrderTransition
from services.sandbox.trade.orders import OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus
from services.sandbox.trade.refunds.refund_reasons import REFUND_REASONS
from services.sandbox.trade.refunds.refund_request import (
    ORDER_STATES,
    RefundRequestRejected,
    RejectionReason,
)
from services.sandbox.trade.refunds.refund_state_machine import RefundTransition, transition_refund

MONEY = DisputeRequest.REFUND


def rejection_reason(book, order, request):
    with pytest.raises(RefundRequestRejected) as rejected:
        book.create_refund(order, request)
    return rejected.value.reason


@pytest.mark.parametrize("goods_status", GoodsStatus)
@pytest.mark.parametrize("status", OrderStatus)
def test_goods_are_where_the_order_allows(book, make_order, make_request, status, goods_status):
    order = make_order(status)
    request = make_request(order, dispute_request=MONEY, goods_status=goods_status, reason_id=20006)
    allowed = {
        OrderStatus.WAIT_SELLER_SEND: {GoodsStatus.WAIT_SELLER_SEND},
        OrderStatus.WAIT_BUYER_RECEIVE: {GoodsStatus.WAIT_BUYER_RECEIVE},
        OrderStatus.RECEIVED: {GoodsStatus.RECEIVED},
        OrderStatus.SUCCESS: {GoodsStatus.AFTER_SALE_NOT_RECEIVED, GoodsStatus.AFTER_SALE_RECEIVED},
    }
    if goods_status in allowed.get(status, set()):
        reason = REFUND_REASONS[goods_status][0]
        changes = {"reason_id": reason.reason_id, "vouchers": ("x",)}
        book.create_refund(
            order, make_request(order, dispute_request=MONEY, goods_status=goods_status, **changes)
        )
    else:
        assert rejection_reason(book, order, request) is RejectionReason.STATE


def test_only_received_goods_can_be_returned(book, make_order, make_request):
    order = make_order(OrderStatus.WAIT_BUYER_RECEIVE)
    request = make_request(order, goods_status=GoodsStatus.WAIT_BUYER_RECEIVE, reason_id=20006)
    assert rejection_reason(book, order, request) is RejectionReason.STATE


def test_one_open_refund_per_entry(book, make_order, make_request):
    order = make_order(OrderStatus.RECEIVED)
    first, second = order.entry_ids
    refund = book.create_refund(order, make_request(order, [first]))
    assert rejection_reason(book, order, make_request(order)) is RejectionReason.STATE
    book.create_refund(order, make_request(order, [second]))
    transition_refund(refund, RefundTransition.REJECT)
    assert rejection_reason(book, order, make_request(order, [first])) is RejectionReason.STATE
    transition_refund(refund, RefundTransition.CLOSE)
    again = book.create_refund(order, make_request(order, [first], dispute_request=MONEY))
    transition_refund(again, RefundTransition.AGREE)
    assert rejection_reason(book, order, make_request(order, [first], payment_fen=1)) is RejectionReason.STATE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"entry_ids": ()}, RejectionReason.ENTRIES),
        ({"entry_ids": (1,)}, RejectionReason.ENTRIES),
        ({"reason_id": 20006}, RejectionReason.REASON),
        ({"reason_id": 20021}, RejectionReason.VOUCHER),
        ({"vouchers": ("x",) * 6}, RejectionReason.TOO_MANY_VOUCHERS),
        ({"shipping_fee_fen": 1}, RejectionReason.SHIPPING_FEE),
        ({"reason_id": 20021, "vouchers": ("x",), "shipping_fee_fen": 801}, RejectionReason.AMOUNT),
        ({"payment_fen": -1}, RejectionReason.AMOUNT),
        ({"payment_fen": 0}, RejectionReason.AMOUNT),
        ({"payment_fen": 10**9}, RejectionReason.AMOUNT),
        ({"description": "x"}, RejectionReason.DESCRIPTION),
        ({"description": "x" * 151}, RejectionReason.DESCRIPTION),
    ],
)
def test_rules(book, make_order, make_request, changes, reason):
    order = make_order(OrderStatus.RECEIVED)
    changes = {"payment_fen": 1} | changes
    assert rejection_reason(book, order, make_request(order, **changes)) is reason
    assert order.refund_ids == []


def test_counts_of_returned_pieces(book, make_order, make_request):
    order = make_order(OrderStatus.RECEIVED)
    entry = order.entries[0]
    one = (entry.entry_id,)
    for count in (0, entry.quantity + 1):
        request = make_request(order, one, counts=((entry.entry_id, count),))
        assert rejection_reason(book, order, request) is RejectionReason.COUNT
    other = make_request(order, one, counts=((order.entry_ids[1], 1),))
    assert rejection_reason(book, order, other) is RejectionReason.COUNT
    twice = make_request(order, one, counts=((entry.entry_id, 1),) * 2)
    assert rejection_reason(book, order, twice) is RejectionReason.COUNT
    money = make_request(order, one, dispute_request=MONEY, counts=((entry.entry_id, 1),))
    assert rejection_reason(book, order, money) is RejectionReason.COUNT
    refund = book.create_refund(order, make_request(order, one, counts=((entry.entry_id, entry.quantity),)))
    assert refund.counts == {entry.entry_id: entry.quantity}


@pytest.mark.parametrize("difference", [-1, 1])
def test_refund_before_shipment_must_be_the_whole_price(book, make_order, make_request, difference):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    changes = {"dispute_request": MONEY, "goods_status": GoodsStatus.WAIT_SELLER_SEND, "reason_id": 20006}
    wrong = make_request(order, payment_fen=order.goods_fen + difference, **changes)
    assert rejection_reason(book, order, wrong) is RejectionReason.AMOUNT
    assert book.create_refund(order, make_request(order, **changes)).apply_payment_fen == order.goods_fen


def test_shipping_fee_is_refunded_once(book, make_order, make_request):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    changes = {
        "dispute_request": MONEY,
        "goods_status": GoodsStatus.WAIT_SELLER_SEND,
        "reason_id": 20002,
        "shipping_fee_fen": order.shipping_fee_fen,
    }
    refund = book.create_refund(order, make_request(order, [first], **changes))
    assert rejection_reason(book, order, make_request(order, [second], **changes)) is RejectionReason.AMOUNT
    transition_refund(refund, RefundTransition.AGREE)
    assert rejection_reason(book, order, make_request(order, [second], **changes)) is RejectionReason.AMOUNT
    assert order.refunded_shipping_fee_fen == order.shipping_fee_fen


def test_goods_status_after_partial_shipment(book, make_order, make_request):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    book.transition(order, OrderTransition.SHIP, [first])
    changes = {"dispute_request": MONEY, "reason_id": 20006}
    for entry_id, here, there in (
        (first, GoodsStatus.WAIT_BUYER_RECEIVE, GoodsStatus.WAIT_SELLER_SEND),
        (second, GoodsStatus.WAIT_SELLER_SEND, GoodsStatus.WAIT_BUYER_RECEIVE),
    ):
        wrong = make_request(order, [entry_id], goods_status=there, **changes)
        assert rejection_reason(book, order, wrong) is RejectionReason.STATE
        book.create_refund(order, make_request(order, [entry_id], goods_status=here, **changes))


def test_every_goods_status_has_reasons_and_a_location():
    assert set(REFUND_REASONS) == set(ORDER_STATES) == set(GoodsStatus)
