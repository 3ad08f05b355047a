"""The buyers that national sites have registered."""

from collections import OrderedDict

MAX_ACCOUNTS = 100_000
"""The oldest is dropped first."""


class Accounts:
    """The registered buyers of all sites."""

    def __init__(self) -> None:
        self._buyers: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buyers)

    def register(self, site: str, out_member_id: str) -> bool:
        """Register a buyer of a site. Return False if the buyer is already registered."""
        buyer = (site, out_member_id)
        if buyer in self._buyers:
            return False
        self._buyers[buyer] = None
        if len(self._buyers) > MAX_ACCOUNTS:
            self._buyers.popitem(last=False)
        return True
