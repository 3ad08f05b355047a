"""Turns what happens in the order book into messages."""

from collections.abc import Mapping
from typing import Any

from services.sandbox.controls.clock import Clock
from services.sandbox.messages.outbox import Outbox
from services.sandbox.messages.payloads import (
    batch_pay_data,
    mail_no_data,
    order_data,
    refund_data,
    trace_data,
)
from services.sandbox.messages.topics import OF_EVENT, Topic
from services.sandbox.trade.logistics import Node, Parcel, Waybill
from services.sandbox.trade.order_events import Event, Fact
from services.sandbox.trade.order_listener import Listener
from services.sandbox.trade.orders import Order
from services.sandbox.trade.payments import PaymentResult


class Announcer(Listener):
    """A listener of the order book. Another buyer's orders are not told: he has not let the app in."""

    def __init__(self, clock: Clock, outbox: Outbox) -> None:
        self._clock = clock
        self._outbox = outbox

    def happened(self, order: Order, fact: Fact) -> None:
        """Something happened to an order, or to a refund of it."""
        data = order_data(fact.order_id, fact.status, order.seller_member_id, self._clock.now_ms())
        if fact.refund_id is None:
            self._add(order, OF_EVENT[Event(fact.happened)], data)
        else:
            topic = Topic.REFUND_AFTER_SALES if fact.after_sale else Topic.REFUND_IN_SALES
            self._add(order, topic, data | refund_data(fact.refund_id, fact.happened))

    def paid_together(self, results: Mapping[int, PaymentResult]) -> None:
        """The payment of several orders came to an end."""
        self._outbox.add(Topic.BATCH_PAID, batch_pay_data(results))

    def parcel_moved(self, parcel: Parcel, node: Node) -> None:
        """A parcel reached a node for the first time."""
        data = trace_data(parcel.logistics_id, parcel.waybill, node, _items(parcel), self._clock.now_ms())
        self._add(parcel.order, Topic.PARCEL_MOVED, data)

    def parcel_relabelled(self, parcel: Parcel, old: Waybill) -> None:
        """A parcel has another waybill now."""
        data = mail_no_data(parcel.logistics_id, old, parcel.waybill, _items(parcel), self._clock.now_ms())
        self._add(parcel.order, Topic.MAIL_NO_CHANGED, data)

    def _add(self, order: Order, topic: Topic, data: dict[str, Any]) -> None:
        if order.traits.own:
            self._outbox.add(topic, data)


def _items(parcel: Parcel) -> list[tuple[int, int]]:
    return [(parcel.order.order_id, entry_id) for entry_id in parcel.entry_ids]
