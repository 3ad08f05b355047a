"""Parses the address and the lines of a purchase."""

import re
from dataclasses import replace
from typing import Any

from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import BusinessError, InvalidArgument
from services.sandbox.trade.addresses import DISTRICTS, SAVED_ADDRESSES, Address, District, find_district
from services.sandbox.trade.cart import CartItem

MAX_LINES = 50
_DISTRICT_CODE = re.compile(r"\d{6}")
_ADDRESS_ID_INVALID = ("400", "AddressId invalid")


def parse_delivery_address(arguments: Arguments) -> Address:
    """Return the address in `addressParam`: a saved one, or one with a district code or with names.

    Raises InvalidArgument, and BusinessError for an unknown addressId.
    """
    parts = replace(arguments, values=arguments.object("addressParam"))
    address_id = parts.integer("addressId")
    if address_id is not None:
        saved = SAVED_ADDRESSES.get(address_id)
        if saved is None:
            raise BusinessError(*_ADDRESS_ID_INVALID)
        return saved
    texts = {
        name: (parts.string(name) or "").strip()
        for name in ("fullName", "mobile", "phone", "townText", "address", "postCode")
    }
    for name in ("fullName", "address"):
        if not texts[name]:
            raise InvalidArgument(f"addressParam.{name}")
    if not texts["mobile"] and not texts["phone"]:
        raise InvalidArgument("addressParam.mobile")
    return Address(
        full_name=texts["fullName"],
        mobile=texts["mobile"],
        phone=texts["phone"],
        district=_parse_district(parts),
        town=texts["townText"],
        street=texts["address"],
        post_code=texts["postCode"] or "000000",
    )


def parse_cart_items(arguments: Arguments) -> list[CartItem]:
    """Return the lines in `cargoParamList`. Raises InvalidArgument."""
    values = arguments.array("cargoParamList")
    if not 1 <= len(values) <= MAX_LINES:
        raise InvalidArgument(f"cargoParamList: must have 1 to {MAX_LINES} lines")
    return [_parse_item(arguments, value) for value in values]


def _parse_district(parts: Arguments) -> District:
    """Return the district of a code, or of names. The sandbox does not know the codes of all districts."""
    code = parts.string("districtCode") or ""
    if code in DISTRICTS:
        return DISTRICTS[code]
    province, city, area = (
        (parts.string(name) or "").strip() for name in ("provinceText", "cityText", "areaText")
    )
    if not province or not city or (code and not _DISTRICT_CODE.fullmatch(code)):
        raise InvalidArgument("addressParam: needs addressId, districtCode, or the names of a district")
    known = None if code else find_district(province, city, area)
    return known or District(code=code, province=province, city=city, area=area)


def _parse_item(arguments: Arguments, value: Any) -> CartItem:
    if not isinstance(value, dict):
        raise InvalidArgument("cargoParamList")
    offer_id, quantity = value.get("offerId"), value.get("quantity")
    if not isinstance(offer_id, int) or isinstance(offer_id, bool):
        raise InvalidArgument("cargoParamList.offerId: must be a number")
    # No offer of the catalog is sold in fractions of its unit.
    if not isinstance(quantity, int | float) or isinstance(quantity, bool) or quantity != int(quantity):
        raise InvalidArgument("cargoParamList.quantity: must be a whole number")
    if quantity <= 0:
        raise InvalidArgument("cargoParamList.quantity: must be positive")
    spec_id = replace(arguments, values=value).string("specId") or ""
    return CartItem(offer_id=offer_id, spec_id=spec_id, quantity=int(quantity))
