"""The members that downstream sites have registered."""

from collections import OrderedDict

MAX_ACCOUNTS = 100_000
"""The oldest is dropped first."""


class Accounts:
    """The registered members of all sites."""

    def __init__(self) -> None:
        self._members: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._members)

    def register(self, site: str, out_member_id: str) -> bool:
        """Register a member of a site. Return False if that member is already registered."""
        member = (site, out_member_id)
        if member in self._members:
            return False
        self._members[member] = None
        if len(self._members) > MAX_ACCOUNTS:
            self._members.popitem(last=False)
        return True
