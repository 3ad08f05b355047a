"""What happened to an order: one fact for each step that it, or a refund of it, took."""

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """What can happen to an order itself. What happens to a refund is told in the platform's own words."""

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
class Fact:
    """One thing that happened."""

    order_id: int
    entry_ids: tuple[int, ...]
    happened: str
    """An Event of the order, or a refundAction."""
    status: str
    """The status after it: of the order, or of the refund if there is one."""
    refund_id: str | None = None
    after_sale: bool = False
    """Of a refund that was asked for when the order had succeeded."""
