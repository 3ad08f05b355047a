"""Who hears of what happens to orders."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # They call the listener, which is told about them.
    from services.sandbox.trade.logistics import Node, Parcel, Waybill
    from services.sandbox.trade.order_events import Fact
    from services.sandbox.trade.orders import Order
    from services.sandbox.trade.payments import PaymentResult


class Listener:
    """Is told at once, and must not raise. This one hears nothing."""

    def happened(self, order: "Order", fact: "Fact") -> None:
        """Something happened to an order, or to a refund of it."""

    def paid_together(self, results: "Mapping[int, PaymentResult]") -> None:
        """The payment of several orders came to an end; what came of each, by order id."""

    def parcel_moved(self, parcel: "Parcel", node: "Node") -> None:
        """A parcel reached a node for the first time."""

    def parcel_relabelled(self, parcel: "Parcel", old: "Waybill") -> None:
        """A parcel has another waybill now."""


NOBODY: Final = Listener()
