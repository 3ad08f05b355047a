"""The topics that are documented, and which of them an event of an order is told under."""

from collections.abc import Mapping
from enum import StrEnum

from services.sandbox.trade.order_events import Event
from services.sandbox.trade.orders import OrderStatus


class Topic(StrEnum):
    """The platform's words, in its spelling."""

    MADE = "ORDER_BUYER_VIEW_BUYER_MAKE"
    PRICE_MODIFIED = "ORDER_BUYER_VIEW_ORDER_PRICE_MODIFY"
    PAID = "ORDER_BUYER_VIEW_ORDER_PAY"
    STEP_PAID = "ORDER_BUYER_VIEW_ORDER_STEP_PAY"
    SHIPPED = "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS"
    PART_SHIPPED = "ORDER_BUYER_VIEW_PART_PART_SENDGOODS"
    RECEIVED = "ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS"
    SUCCEEDED = "ORDER_BUYER_VIEW_ORDER_SUCCESS"
    CLOSED_BY_BUYER = "ORDER_BUYER_VIEW_ORDER_BUYER_CLOSE"
    CLOSED_BY_SELLER = "ORDER_BUYER_VIEW_ORDER_SELLER_CLOSE"
    CLOSED_BY_BACK_OFFICE = "ORDER_BUYER_VIEW_ORDER_BOPS_CLOSE"
    REFUND_IN_SALES = "ORDER_BUYER_VIEW_ORDER_BUYER_REFUND_IN_SALES"
    REFUND_AFTER_SALES = "ORDER_BUYER_VIEW_ORDER_REFUND_AFTER_SALES"
    BATCH_PAID = "ORDER_BATCH_PAY"
    PARCEL_MOVED = "LOGISTICS_BUYER_VIEW_TRACE"
    MAIL_NO_CHANGED = "LOGISTICS_MAIL_NO_CHANGE"


OF_EVENT: Mapping[Event, Topic] = {
    Event.MADE: Topic.MADE,
    Event.PRICE_MODIFIED: Topic.PRICE_MODIFIED,
    Event.PAID: Topic.PAID,
    Event.STEP_PAID: Topic.STEP_PAID,
    Event.SHIPPED: Topic.SHIPPED,
    Event.PART_SHIPPED: Topic.PART_SHIPPED,
    Event.RECEIVED: Topic.RECEIVED,
    Event.SUCCEEDED: Topic.SUCCEEDED,
    Event.CLOSED_BY_BUYER: Topic.CLOSED_BY_BUYER,
    Event.CLOSED_BY_SELLER: Topic.CLOSED_BY_SELLER,
    Event.CLOSED_BY_BACK_OFFICE: Topic.CLOSED_BY_BACK_OFFICE,
    # Documented: "closed by the seller, also after a refund".
    Event.CLOSED_AFTER_REFUND: Topic.CLOSED_BY_SELLER,
}

STATUS: Mapping[Topic, OrderStatus] = {
    Topic.MADE: OrderStatus.WAIT_BUYER_PAY,
    Topic.PRICE_MODIFIED: OrderStatus.WAIT_BUYER_PAY,
    Topic.PAID: OrderStatus.WAIT_SELLER_SEND,
    Topic.STEP_PAID: OrderStatus.WAIT_SELLER_SEND,
    Topic.SHIPPED: OrderStatus.WAIT_BUYER_RECEIVE,
    Topic.PART_SHIPPED: OrderStatus.WAIT_SELLER_SEND,
    Topic.RECEIVED: OrderStatus.RECEIVED,
    Topic.SUCCEEDED: OrderStatus.SUCCESS,
    Topic.CLOSED_BY_BUYER: OrderStatus.CANCEL,
    Topic.CLOSED_BY_SELLER: OrderStatus.CANCEL,
    Topic.CLOSED_BY_BACK_OFFICE: OrderStatus.CANCEL,
}
"""What an order is when a message of this topic is made; the other topics tell no status of an order."""
