"""A market with an order book, without any HTTP."""

import pytest

from services.sandbox.catalog.catalog import Catalogue
from services.sandbox.trade.order_book import OrderBook
from services.sandbox.trade.order_lines import carriage_fen, fill
from services.sandbox.trade.order_state_machine import Step
from services.sandbox.trade.orders import OrderStatus, Traits
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus
from services.sandbox.trade.refunds.refund_request import Application

WAYS = {
    OrderStatus.WAIT_BUYER_PAY: (),
    OrderStatus.WAIT_SELLER_SEND: (Step.PAY,),
    OrderStatus.WAIT_BUYER_RECEIVE: (Step.PAY, Step.SHIP),
    OrderStatus.RECEIVED: (Step.PAY, Step.SHIP, Step.RECEIVE),
    OrderStatus.SUCCESS: (Step.PAY, Step.SHIP, Step.RECEIVE, Step.SUCCEED),
    OrderStatus.CANCEL: (Step.CLOSE,),
}
CATALOGUE = Catalogue()


@pytest.fixture
def book():
    return OrderBook()


@pytest.fixture
def make_order(book):
    """Makes an order of two entries and leads it to a status."""

    def make(status=OrderStatus.WAIT_BUYER_PAY):
        lines = fill(CATALOGUE, [])
        order = book.make(lines, carriage_fen(lines), Traits(), now_ms=0)
        for step in WAYS[status]:
            book.step(order, step)
        assert order.status is status
        return order

    return make


@pytest.fixture
def ask():
    """Asks for the money of some entries of an order, by default of a received one and of all."""

    def make(order, entry_ids=None, **changes):
        entry_ids = order.entry_ids if entry_ids is None else tuple(entry_ids)
        usual = {
            "entry_ids": entry_ids,
            "dispute_request": DisputeRequest.RETURN_REFUND,
            "goods_status": GoodsStatus.RECEIVED,
            "payment_fen": order.left_fen(entry_ids),
            "carriage_fen": 0,
            "reason_id": 20028,
            "description": "too small",
        }
        return Application(**usual | changes)

    return make
