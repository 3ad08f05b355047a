"""Receive addresses: those that the buyer has saved, and the parsing of an address."""

from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import Envelope, InvalidArgument
from services.sandbox.operations.registry import trade_operation
from services.sandbox.trade.addresses import DEFAULT_ADDRESS_ID, SAVED_ADDRESSES, Address, parse_address

_ADDRESSES = Envelope(
    wrap_payload=lambda payload: {"result": payload, "success": True},
    wrap_error=lambda error: {"success": False, "code": error.code, "message": error.message},
)


@trade_operation("alibaba.trade.receiveAddress.get", _ADDRESSES)
async def get_receive_addresses(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the buyer's saved addresses."""
    return {
        "receiveAddressItems": [
            _serialize(address_id, address) for address_id, address in SAVED_ADDRESSES.items()
        ]
    }


@trade_operation(
    "alibaba.trade.addresscode.parse",
    envelopes.NO_FLAG,
    required=("addressInfo",),
    # 1688 documents no error.
    invalid_argument=("500", "参数错误"),
)
async def parse_address_code(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the district and the street of an address in one text."""
    parsed = parse_address(arguments.string("addressInfo") or "")
    if parsed is None:
        raise InvalidArgument("addressInfo: must begin with a district")
    district, street = parsed
    return {
        "result": {
            "addressCode": district.code,
            "addressCodeText": district.text,
            "address": street,
            "postCode": "000000",
            "isDefault": False,
            "latest": False,
        }
    }


def _serialize(address_id: int, address: Address) -> dict[str, Any]:
    return {
        "id": address_id,
        "fullName": address.full_name,
        "addressCode": address.district.code,
        "addressCodeText": address.district.text,
        "townCode": "",
        "townName": address.town,
        "address": address.street,
        "post": address.post_code,
        "mobilePhone": address.mobile,
        "phone": address.phone,
        "isDefault": address_id == DEFAULT_ADDRESS_ID,
    }
