"""The variants of an offer that can be bought, their stock and their price tiers."""

from dataclasses import dataclass

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.localized_text import Word
from services.sandbox.catalog.offers import Offer

FIRST_SKU_ID = 5_104_790_281_451
# Every 40th offer has SKU ids above 2**53: a reader that passes ids through floats changes them.
HUGE_SKU_ID = 9_107_199_254_740_993
HUGE_EVERY = 40
COLOUR_ID = 3216
SIZE_ID = 450


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuAttribute:
    """One choice of a variant, such as its colour."""

    attribute_id: int
    name: Word
    value: Word
    picture: int | None
    """The number of the offer's picture that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One variant."""

    sku_id: int
    spec_id: str
    attributes: tuple[SkuAttribute, ...]
    price_fen: int
    stock: int
    weight_grams: int


def skus(offer: Offer) -> tuple[Sku, ...]:
    """Every colour in every size; the larger sizes cost a little more."""
    dice = offer.dice
    sizes = offer.kind.sizes
    size_name = vocabulary.SIZE if sizes in (vocabulary.CLOTHES_SIZES, vocabulary.ONE_SIZE) else None
    first = HUGE_SKU_ID if offer.number % HUGE_EVERY == HUGE_EVERY - 1 else FIRST_SKU_ID
    made = []
    for position, colour in enumerate(offer.colours):
        for place, size in enumerate(sizes):
            place_id = position * len(sizes) + place
            made.append(
                Sku(
                    sku_id=first + offer.number * 1_000 + place_id,
                    spec_id=dice.hexadecimal(f"spec {place_id}"),
                    attributes=(
                        SkuAttribute(
                            attribute_id=COLOUR_ID,
                            name=vocabulary.COLOUR,
                            value=vocabulary.COLOURS[colour][0],
                            picture=colour_picture(position),
                        ),
                        SkuAttribute(
                            attribute_id=SIZE_ID,
                            name=size_name or vocabulary.SPECIFICATION,
                            value=size,
                            picture=None,
                        ),
                    ),
                    price_fen=offer.price_fen * (100 + 5 * place) // 100,
                    # One variant in eight is sold out.
                    stock=0
                    if dice.chance(f"sold out {place_id}", 12)
                    else dice.number(f"stock {place_id}", 5, 3000),
                    weight_grams=offer.kind.weight_grams * (100 + 8 * place) // 100,
                )
            )
    return tuple(made)


def colour_picture(position: int) -> int:
    """The number of the picture that shows the offer in the colour at this position of its colours."""
    return 11 + position


def price_tiers(offer: Offer) -> tuple[tuple[int, int], ...]:
    """(from this quantity, price in fen), the quantity ascending, the price descending."""
    tiers = [(offer.min_order, offer.price_fen)]
    if offer.dice.chance("second tier", 75):
        tiers.append((offer.min_order * 25, offer.price_fen * 90 // 100))
    if offer.dice.chance("third tier", 35):
        tiers.append((offer.min_order * 200, offer.price_fen * 82 // 100))
    return tuple(tiers)
