"""Logistics orders: the shipments of an order."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.sandbox.trade.orders import Order


class LogisticsStatus(StrEnum):
    """The states of a shipment, as the messages of 1688 name them."""

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


NO_CARRIER: Final = Waybill(cp_code="", mail_no="不需要物流")
"""The waybill of a shipment without a carrier: 1688 shows this text in place of a number."""


@dataclass(slots=True, kw_only=True, eq=False)
class LogisticsOrder:
    """One shipment, of some entries of an order."""

    logistics_id: str
    order: Order
    entry_ids: tuple[int, ...]
    waybill: Waybill
    created_ms: int
    reached_ms: dict[LogisticsStatus, int] = field(default_factory=dict)
    """When it reached each status, in chronological order."""

    @property
    def statuses(self) -> list[LogisticsStatus]:
        """The statuses so far, in chronological order."""
        return list(self.reached_ms)

    @property
    def has_carrier(self) -> bool:
        """Whether a carrier transports it."""
        return self.waybill is not NO_CARRIER
