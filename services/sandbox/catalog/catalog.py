"""All offers: as a sequence, and by id."""

from functools import cached_property

from services.sandbox.catalog.categories import (
    TOP_CATEGORIES,
    SecondCategory,
    ThirdCategory,
    TopCategory,
)
from services.sandbox.catalog.offers import OFFERS_PER_CATEGORY, Offer, build_offer

CATEGORY_PATHS: tuple[tuple[TopCategory, SecondCategory, ThirdCategory], ...] = tuple(
    (top_category, second_category, third_category)
    for top_category in TOP_CATEGORIES
    for second_category in top_category.second_categories
    for third_category in second_category.third_categories
)


class Catalog:
    """The offers. They are built on first use, so that the sandbox starts quickly."""

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        """All offers."""
        return tuple(
            build_offer(number, *CATEGORY_PATHS[number // OFFERS_PER_CATEGORY])
            for number in range(len(CATEGORY_PATHS) * OFFERS_PER_CATEGORY)
        )

    @cached_property
    def _by_id(self) -> dict[int, Offer]:
        return {offer.offer_id: offer for offer in self.offers}

    def find(self, offer_id: int) -> Offer | None:
        """Return the offer with this id."""
        return self._by_id.get(offer_id)
