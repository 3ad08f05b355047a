"""The carriers, as reads return them."""

from typing import NamedTuple

from services.sandbox.trade.logistics import LogisticsOrder


class Carrier(NamedTuple):
    """A carrier. The ids are assumptions."""

    company_id: int
    name: str


_CARRIERS = {"ZTO": Carrier(500, "中通快递"), "YTO": Carrier(101, "圆通速递")}
_OTHER_COMPANY_ID = 8


def find_carrier(logistics: LogisticsOrder) -> Carrier | None:
    """Return the carrier of a shipment; None if it has none."""
    if not logistics.has_carrier:
        return None
    code = logistics.waybill.cp_code
    return _CARRIERS.get(code) or Carrier(_OTHER_COMPANY_ID, code)


def find_carrier_name(code: str) -> str:
    """Return the name of a carrier; its code if the sandbox does not know it."""
    return _CARRIERS[code].name if code in _CARRIERS else code
