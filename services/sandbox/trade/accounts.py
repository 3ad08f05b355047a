"""The members that downstream sites have registered."""

from collections import OrderedDict

KEPT = 100_000
"""Registrations that are remembered; the oldest is forgotten first."""


class Accounts:
    """Who is registered."""

    def __init__(self) -> None:
        self._members: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._members)

    def register(self, site: str, out_member_id: str) -> bool:
        """Registers a member of a site; False if that member is registered already."""
        member = (site, out_member_id)
        if member in self._members:
            return False
        self._members[member] = None
        if len(self._members) > KEPT:
            self._members.popitem(last=False)
        return True
