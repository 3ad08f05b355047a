"""Logistics orders: the shipments of an order."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.sandbox.trade.orders import Order


class LogisticsStatus(StrEnum):
    """The states of a shipment, as 1688 names them."""

    CONSIGN = "CONSIGN"
    ACCEPT = "ACCEPT"
    TRANSPORT = "TRANSPORT"
    DELIVERING = "DELIVERING"
    AGENT_SIGN = "AGENT_SIGN"
    SIGN = "SIGN"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waybill:
    """A carrier and its waybill number."""

    cp_code: str
    mail_no: str


@dataclass(slots=True, kw_only=True, eq=False)
class LogisticsOrder:
    """One shipment, of some entries of an order."""

    logistics_id: str
    order: Order
    entry_ids: tuple[int, ...]
    waybill: Waybill
    statuses: list[LogisticsStatus] = field(default_factory=list)
    """The statuses so far, in chronological order."""
