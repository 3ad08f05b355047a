import pytest

from services.sandbox.trade.order_state_machine import Step
from services.sandbox.trade.orders import OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus
from services.sandbox.trade.refunds.refund_reasons import REASONS
from services.sandbox.trade.refunds.refund_request import WHEREABOUTS, ApplicationRefused, Problem
from services.sandbox.trade.refunds.refund_state_machine import RefundStep, take_refund_step

MONEY = DisputeRequest.REFUND


def problem_of(book, order, asked):
    with pytest.raises(ApplicationRefused) as refused:
        book.apply(order, asked)
    return refused.value.problem


@pytest.mark.parametrize("goods_status", GoodsStatus)
@pytest.mark.parametrize("status", OrderStatus)
def test_goods_are_where_the_order_allows(book, make_order, ask, status, goods_status):
    order = make_order(status)
    asked = ask(order, dispute_request=MONEY, goods_status=goods_status, reason_id=20006)
    allowed = {
        OrderStatus.WAIT_SELLER_SEND: {GoodsStatus.WAIT_SELLER_SEND},
        OrderStatus.WAIT_BUYER_RECEIVE: {GoodsStatus.WAIT_BUYER_RECEIVE},
        OrderStatus.RECEIVED: {GoodsStatus.RECEIVED},
        OrderStatus.SUCCESS: {GoodsStatus.AFTER_SALE_NOT_RECEIVED, GoodsStatus.AFTER_SALE_RECEIVED},
    }
    if goods_status in allowed.get(status, set()):
        reason = REASONS[goods_status][0]
        changes = {"reason_id": reason.reason_id, "vouchers": ("x",)}
        book.apply(order, ask(order, dispute_request=MONEY, goods_status=goods_status, **changes))
    else:
        assert problem_of(book, order, asked) is Problem.STATE


def test_only_received_goods_go_back(book, make_order, ask):
    order = make_order(OrderStatus.WAIT_BUYER_RECEIVE)
    asked = ask(order, goods_status=GoodsStatus.WAIT_BUYER_RECEIVE, reason_id=20006)
    assert problem_of(book, order, asked) is Problem.STATE


def test_one_refund_at_a_time(book, make_order, ask):
    order = make_order(OrderStatus.RECEIVED)
    first, second = order.entry_ids
    refund = book.apply(order, ask(order, [first]))
    assert problem_of(book, order, ask(order)) is Problem.STATE
    book.apply(order, ask(order, [second]))
    take_refund_step(refund, RefundStep.REFUSE)
    assert problem_of(book, order, ask(order, [first])) is Problem.STATE
    take_refund_step(refund, RefundStep.CLOSE)
    again = book.apply(order, ask(order, [first], dispute_request=MONEY))
    take_refund_step(again, RefundStep.AGREE)
    assert problem_of(book, order, ask(order, [first], payment_fen=1)) is Problem.STATE


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"entry_ids": ()}, Problem.ENTRIES),
        ({"entry_ids": (1,)}, Problem.ENTRIES),
        ({"reason_id": 20006}, Problem.REASON),
        ({"reason_id": 20021}, Problem.VOUCHER),
        ({"vouchers": ("x",) * 6}, Problem.TOO_MANY_VOUCHERS),
        ({"carriage_fen": 1}, Problem.CARRIAGE),
        ({"reason_id": 20021, "vouchers": ("x",), "carriage_fen": 801}, Problem.AMOUNT),
        ({"payment_fen": -1}, Problem.AMOUNT),
        ({"payment_fen": 0}, Problem.AMOUNT),
        ({"payment_fen": 10**9}, Problem.AMOUNT),
        ({"description": "x"}, Problem.DESCRIPTION),
        ({"description": "x" * 151}, Problem.DESCRIPTION),
    ],
)
def test_rules(book, make_order, ask, changes, problem):
    order = make_order(OrderStatus.RECEIVED)
    changes = {"payment_fen": 1} | changes
    assert problem_of(book, order, ask(order, **changes)) is problem
    assert order.refund_ids == []


def test_pieces_that_go_back(book, make_order, ask):
    order = make_order(OrderStatus.RECEIVED)
    entry = order.entries[0]
    one = (entry.entry_id,)
    for count in (0, entry.quantity + 1):
        asked = ask(order, one, counts=((entry.entry_id, count),))
        assert problem_of(book, order, asked) is Problem.COUNT
    other = ask(order, one, counts=((order.entry_ids[1], 1),))
    assert problem_of(book, order, other) is Problem.COUNT
    twice = ask(order, one, counts=((entry.entry_id, 1),) * 2)
    assert problem_of(book, order, twice) is Problem.COUNT
    money = ask(order, one, dispute_request=MONEY, counts=((entry.entry_id, 1),))
    assert problem_of(book, order, money) is Problem.COUNT
    refund = book.apply(order, ask(order, one, counts=((entry.entry_id, entry.quantity),)))
    assert refund.counts == {entry.entry_id: entry.quantity}


@pytest.mark.parametrize("difference", [-1, 1])
def test_before_shipping_the_whole_price_goes_back(book, make_order, ask, difference):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    changes = {"dispute_request": MONEY, "goods_status": GoodsStatus.WAIT_SELLER_SEND, "reason_id": 20006}
    wrong = ask(order, payment_fen=order.goods_fen + difference, **changes)
    assert problem_of(book, order, wrong) is Problem.AMOUNT
    assert book.apply(order, ask(order, **changes)).apply_payment_fen == order.goods_fen


def test_carriage_goes_back_once(book, make_order, ask):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    changes = {
        "dispute_request": MONEY,
        "goods_status": GoodsStatus.WAIT_SELLER_SEND,
        "reason_id": 20002,
        "carriage_fen": order.carriage_fen,
    }
    refund = book.apply(order, ask(order, [first], **changes))
    assert problem_of(book, order, ask(order, [second], **changes)) is Problem.AMOUNT
    take_refund_step(refund, RefundStep.AGREE)
    assert problem_of(book, order, ask(order, [second], **changes)) is Problem.AMOUNT
    assert order.refunded_carriage_fen == order.carriage_fen


def test_what_is_shipped_does_not_wait_for_shipping(book, make_order, ask):
    order = make_order(OrderStatus.WAIT_SELLER_SEND)
    first, second = order.entry_ids
    book.step(order, Step.SHIP, [first])
    changes = {"dispute_request": MONEY, "reason_id": 20006}
    for entry_id, here, there in (
        (first, GoodsStatus.WAIT_BUYER_RECEIVE, GoodsStatus.WAIT_SELLER_SEND),
        (second, GoodsStatus.WAIT_SELLER_SEND, GoodsStatus.WAIT_BUYER_RECEIVE),
    ):
        wrong = ask(order, [entry_id], goods_status=there, **changes)
        assert problem_of(book, order, wrong) is Problem.STATE
        book.apply(order, ask(order, [entry_id], goods_status=here, **changes))


def test_every_goods_status_has_reasons_and_whereabouts():
    assert set(REASONS) == set(WHEREABOUTS) == set(GoodsStatus)
