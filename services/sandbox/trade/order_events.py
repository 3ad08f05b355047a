"""The events of an order: one for each transition of the order or of its refunds."""

from dataclasses import dataclass
from enum import StrEnum


class EventType(StrEnum):
    """The events of an order itself. The events of a refund are the refundActions of 1688."""

    MADE = "made"
    PRICE_MODIFIED = "price modified"
    PAID = "paid"
    STEP_PAID = "a further instalment paid"
    PART_SHIPPED = "part shipped"
    SHIPPED = "shipped"
    RECEIVED = "received"
    SUCCEEDED = "succeeded"
    CLOSED_BY_BUYER = "closed by buyer"
    CLOSED_BY_SELLER = "closed by seller"
    CLOSED_BY_BACK_OFFICE = "closed by back office"
    CLOSED_AFTER_REFUND = "closed after refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One event."""

    order_id: int
    entry_ids: tuple[int, ...]
    event: str
    """An EventType, or the refundAction of a refund."""
    status: str
    """The status after the event: of the refund if there is one, otherwise of the order."""
    refund_id: str | None = None
    after_sale: bool = False
    """True for a refund that was requested after the order had succeeded."""
