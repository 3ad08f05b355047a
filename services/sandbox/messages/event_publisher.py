"""Creates messages for the events of orders."""

from collections.abc import Mapping
from typing import Any

from services.sandbox.controls.clock import Clock
from services.sandbox.messages.outbox import Outbox
from services.sandbox.messages.payloads import (
    build_batch_pay_data,
    build_mail_no_data,
    build_order_data,
    build_refund_data,
    build_trace_data,
)
from services.sandbox.messages.topics import EVENT_TOPICS, Topic
from services.sandbox.trade.logistics import LogisticsOrder, LogisticsStatus, Waybill
from services.sandbox.trade.order_events import EventType, OrderEvent
from services.sandbox.trade.order_listener import OrderListener
from services.sandbox.trade.orders import Order, PaymentResult


class EventPublisher(OrderListener):
    """Publishes events of the orders of the account that has authorized the app (`owned_by_buyer`)."""

    def __init__(self, clock: Clock, outbox: Outbox) -> None:
        self._clock = clock
        self._outbox = outbox

    def on_order_event(self, order: Order, event: OrderEvent) -> None:
        """Publish an event of an order or of one of its refunds."""
        data = build_order_data(event.order_id, event.status, order.seller_member_id, self._clock.now_ms())
        if event.refund_id is None:
            self._publish(order, EVENT_TOPICS[EventType(event.event)], data)
        else:
            topic = Topic.REFUND_AFTER_SALES if event.after_sale else Topic.REFUND_IN_SALES
            self._publish(order, topic, data | build_refund_data(event.refund_id, event.event))

    def on_batch_paid(self, results: Mapping[int, PaymentResult]) -> None:
        """Publish the results of a batch payment."""
        self._outbox.add(Topic.BATCH_PAID, build_batch_pay_data(results))

    def on_logistics_status(self, logistics: LogisticsOrder, status: LogisticsStatus) -> None:
        """Publish a new status of a logistics order."""
        items = _list_items(logistics)
        data = build_trace_data(
            logistics.logistics_id, logistics.waybill, status, items, self._clock.now_ms()
        )
        self._publish(logistics.order, Topic.LOGISTICS_STATUS_CHANGED, data)

    def on_waybill_changed(self, logistics: LogisticsOrder, old: Waybill) -> None:
        """Publish a new waybill of a logistics order."""
        items = _list_items(logistics)
        data = build_mail_no_data(logistics.logistics_id, old, logistics.waybill, items, self._clock.now_ms())
        self._publish(logistics.order, Topic.MAIL_NO_CHANGED, data)

    def _publish(self, order: Order, topic: Topic, data: dict[str, Any]) -> None:
        if order.flags.owned_by_buyer:
            self._outbox.add(topic, data)


def _list_items(logistics: LogisticsOrder) -> list[tuple[int, int]]:
    return [(logistics.order.order_id, entry_id) for entry_id in logistics.entry_ids]
