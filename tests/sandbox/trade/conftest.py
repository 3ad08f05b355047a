"""An order store without HTTP."""

import pytest

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.trade.order_lines import build_order_lines, compute_shipping_fee_fen
from services.sandbox.trade.order_state_machine import OrderTransition
from services.sandbox.trade.order_store import OrderStore
from services.sandbox.trade.orders import OrderFlags, OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus
from services.sandbox.trade.refunds.refund_request import RefundRequest

PATHS = {
    OrderStatus.WAIT_BUYER_PAY: (),
    OrderStatus.WAIT_SELLER_SEND: (OrderTransition.PAY,),
    OrderStatus.WAIT_BUYER_RECEIVE: (OrderTransition.PAY, OrderTransition.SHIP),
    OrderStatus.RECEIVED: (OrderTransition.PAY, OrderTransition.SHIP, OrderTransition.RECEIVE),
    OrderStatus.SUCCESS: (
        OrderTransition.PAY,
        OrderTransition.SHIP,
        OrderTransition.RECEIVE,
        OrderTransition.SUCCEED,
    ),
    OrderStatus.CANCEL: (OrderTransition.CLOSE,),
}
CATALOG = Catalog()


@pytest.fixture
def book():
    return OrderStore()


@pytest.fixture
def make_order(book):
    """Creates an order of two entries and brings it to a status."""

    def make(status=OrderStatus.WAIT_BUYER_PAY):
        lines = build_order_lines(CATALOG, [])
        order = book.create_order(lines, compute_shipping_fee_fen(lines), OrderFlags())
        for transition in PATHS[status]:
            book.transition(order, transition)
        assert order.status is status
        return order

    return make


@pytest.fixture
def make_request():
    """Builds a refund request for entries of an order; by default for all, and after their receipt."""

    def make(order, entry_ids=None, **changes):
        entry_ids = order.entry_ids if entry_ids is None else tuple(entry_ids)
        usual = {
            "entry_ids": entry_ids,
            "dispute_request": DisputeRequest.RETURN_REFUND,
            "goods_status": GoodsStatus.RECEIVED,
            "payment_fen": order.remaining_fen(entry_ids),
            "shipping_fee_fen": 0,
            "reason_id": 20028,
            "description": "too small",
        }
        return RefundRequest(**usual | changes)

    return make
