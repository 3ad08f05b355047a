"""The parcels of an order."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.sandbox.trade.orders import Order


class Node(StrEnum):
    """Where a parcel can be, in the platform's words."""

    CONSIGN = "CONSIGN"
    ACCEPT = "ACCEPT"
    TRANSPORT = "TRANSPORT"
    DELIVERING = "DELIVERING"
    AGENT_SIGN = "AGENT_SIGN"
    SIGN = "SIGN"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waybill:
    """A carrier, and its number for a parcel."""

    cp_code: str
    mail_no: str


@dataclass(slots=True, kw_only=True, eq=False)
class Parcel:
    """Some entries of one order, on their way."""

    logistics_id: str
    order: Order
    entry_ids: tuple[int, ...]
    waybill: Waybill
    nodes: list[Node] = field(default_factory=list)
    """In the order in which it reached them."""
