"""The pictures that prove why a refund is due. Only their addresses are kept."""

from collections import OrderedDict

KEPT = 10_000
"""Vouchers that are remembered; the oldest is forgotten first."""
MAX_BYTES = 1024 * 1024
DOMAIN = "https://cbu01.alicdn.com"
_FIRST_NUMBER = 11_848_039_109
_STEP = 1_003
_JPEG = b"\xff\xd8\xff"


class Vouchers:
    """The uploaded vouchers."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, None] = OrderedDict()
        self._uploaded = 0

    def __len__(self) -> int:
        return len(self._addresses)

    def __contains__(self, address: str) -> bool:
        return address in self._addresses

    def keep(self, content: bytes) -> str | None:
        """The path of a new voucher under DOMAIN; None if it is no JPEG below MAX_BYTES."""
        if not content.startswith(_JPEG) or len(content) >= MAX_BYTES:
            return None
        number = str(_FIRST_NUMBER + self._uploaded * _STEP)
        self._uploaded += 1
        backwards = number[::-1]
        path = f"img/ibank/2026/{backwards[:3]}/{backwards[3:6]}/{number}.jpg"
        self._addresses[f"{DOMAIN}/{path}"] = None
        if len(self._addresses) > KEPT:
            self._addresses.popitem(last=False)
        return path
