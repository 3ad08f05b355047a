"""Every offer, by id and in order."""

from functools import cached_property

from services.sandbox.catalog.categories import DEPARTMENTS, Aisle, Department, Kind
from services.sandbox.catalog.offers import Offer, make_offer

OFFERS_PER_KIND = 50

KINDS: tuple[tuple[Department, Aisle, Kind], ...] = tuple(
    (department, aisle, kind)
    for department in DEPARTMENTS
    for aisle in department.aisles
    for kind in aisle.kinds
)


class Catalogue:
    """The offers of the market, made on first use so that the start is quick."""

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        """Every offer."""
        return tuple(
            make_offer(number, *KINDS[number // OFFERS_PER_KIND])
            for number in range(len(KINDS) * OFFERS_PER_KIND)
        )

    @cached_property
    def _by_id(self) -> dict[int, Offer]:
        return {offer.offer_id: offer for offer in self.offers}

    def find(self, offer_id: int) -> Offer | None:
        """The offer of this id."""
        return self._by_id.get(offer_id)
