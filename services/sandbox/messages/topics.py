"""The documented topics, and the topic of each event of an order."""

from collections.abc import Mapping
from enum import StrEnum

from services.sandbox.trade.order_events import EventType
from services.sandbox.trade.orders import OrderStatus


class Topic(StrEnum):
    """The topics, as 1688 spells them."""

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
    LOGISTICS_STATUS_CHANGED = "LOGISTICS_BUYER_VIEW_TRACE"
    MAIL_NO_CHANGED = "LOGISTICS_MAIL_NO_CHANGE"


EVENT_TOPICS: Mapping[EventType, Topic] = {
    EventType.MADE: Topic.MADE,
    EventType.PRICE_MODIFIED: Topic.PRICE_MODIFIED,
    EventType.PAID: Topic.PAID,
    EventType.STEP_PAID: Topic.STEP_PAID,
    EventType.SHIPPED: Topic.SHIPPED,
    EventType.PART_SHIPPED: Topic.PART_SHIPPED,
    EventType.RECEIVED: Topic.RECEIVED,
    EventType.SUCCEEDED: Topic.SUCCEEDED,
    EventType.CLOSED_BY_BUYER: Topic.CLOSED_BY_BUYER,
    EventType.CLOSED_BY_SELLER: Topic.CLOSED_BY_SELLER,
    EventType.CLOSED_BY_BACK_OFFICE: Topic.CLOSED_BY_BACK_OFFICE,
    # 1688 documents this topic as: "closed by the seller, also after a refund".
    EventType.CLOSED_AFTER_REFUND: Topic.CLOSED_BY_SELLER,
}

TOPIC_STATUSES: Mapping[Topic, OrderStatus] = {
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
"""The status of an order in the messages of a topic. The other topics have no order status."""
