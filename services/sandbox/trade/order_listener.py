"""The interface of listeners to the events of orders."""

from collections.abc import Mapping
from typing import Final

from services.sandbox.trade.logistics import LogisticsOrder, LogisticsStatus, Waybill
from services.sandbox.trade.order_events import OrderEvent
from services.sandbox.trade.orders import Order, PaymentResult


class OrderListener:
    """Is called immediately, and must not raise. This base class does nothing."""

    def on_order_event(self, order: Order, event: OrderEvent) -> None:
        """Handle an event of an order or of one of its refunds."""

    def on_batch_paid(self, results: Mapping[int, PaymentResult]) -> None:
        """Handle the results of a batch payment, by order id."""

    def on_logistics_status(self, logistics: LogisticsOrder, status: LogisticsStatus) -> None:
        """Handle a new status of a logistics order."""

    def on_waybill_changed(self, logistics: LogisticsOrder, old: Waybill) -> None:
        """Handle a new waybill of a logistics order."""


NO_LISTENER: Final = OrderListener()
