"""The vouchers of refunds: images that prove a reason. Only their addresses are stored."""

from collections import OrderedDict

MAX_VOUCHERS = 10_000
"""The oldest is dropped first."""
MAX_VOUCHER_BYTES = 1024 * 1024
VOUCHER_DOMAIN = "https://cbu01.alicdn.com"
_FIRST_NUMBER = 11_848_039_109
_NUMBER_STEP = 1_003
_JPEG_PREFIX = b"\xff\xd8\xff"


class Vouchers:
    """The uploaded vouchers."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, None] = OrderedDict()
        self._saved = 0

    def __len__(self) -> int:
        return len(self._addresses)

    def __contains__(self, address: str) -> bool:
        return address in self._addresses

    def save(self, content: bytes) -> str | None:
        """Return the path of a new voucher under VOUCHER_DOMAIN; None if it is no JPEG or is too large."""
        if not content.startswith(_JPEG_PREFIX) or len(content) >= MAX_VOUCHER_BYTES:
            return None
        number = str(_FIRST_NUMBER + self._saved * _NUMBER_STEP)
        self._saved += 1
        reversed_number = number[::-1]
        path = f"img/ibank/2026/{reversed_number[:3]}/{reversed_number[3:6]}/{number}.jpg"
        self._addresses[f"{VOUCHER_DOMAIN}/{path}"] = None
        if len(self._addresses) > MAX_VOUCHERS:
            self._addresses.popitem(last=False)
        return path
