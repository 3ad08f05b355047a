"""The SKUs of an offer, their stock and their price tiers."""

from dataclasses import dataclass

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.images import FIRST_COLOUR
from services.sandbox.catalog.localized_text import LocalizedText
from services.sandbox.catalog.offers import Offer

FIRST_SKU_ID = 5_104_790_281_451
# Every 40th offer has SKU ids above 2**53, to detect a reader that converts ids to floats.
FIRST_LARGE_SKU_ID = 9_107_199_254_740_993
LARGE_SKU_ID_INTERVAL = 40
COLOUR_ATTRIBUTE_ID = 3216
SIZE_ATTRIBUTE_ID = 450


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuAttribute:
    """One attribute of a SKU, such as its colour."""

    attribute_id: int
    name: LocalizedText
    value: LocalizedText
    image: int | None
    """The number of the offer's image that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One SKU."""

    sku_id: int
    spec_id: str
    attributes: tuple[SkuAttribute, ...]
    price_fen: int
    stock: int
    weight_grams: int


def build_skus(offer: Offer) -> tuple[Sku, ...]:
    """Return the SKUs: each colour in each size. Larger sizes cost a little more."""
    sizes = offer.third_category.sizes
    return tuple(
        _build_sku(offer, colour_index, colour, size_index, size)
        for colour_index, colour in enumerate(offer.colours)
        for size_index, size in enumerate(sizes)
    )


def _build_sku(offer: Offer, colour_index: int, colour: int, size_index: int, size: LocalizedText) -> Sku:
    rng = offer.rng
    sizes = offer.third_category.sizes
    is_clothes_size = sizes in (vocabulary.CLOTHES_SIZES, vocabulary.ONE_SIZE)
    is_large = offer.number % LARGE_SKU_ID_INTERVAL == LARGE_SKU_ID_INTERVAL - 1
    first_sku_id = FIRST_LARGE_SKU_ID if is_large else FIRST_SKU_ID
    index = colour_index * len(sizes) + size_index
    return Sku(
        sku_id=first_sku_id + offer.number * 1_000 + index,
        spec_id=rng.hex_digits(f"spec {index}"),
        attributes=(
            SkuAttribute(
                attribute_id=COLOUR_ATTRIBUTE_ID,
                name=vocabulary.COLOUR,
                value=vocabulary.COLOURS[colour][0],
                image=FIRST_COLOUR + colour_index,
            ),
            SkuAttribute(
                attribute_id=SIZE_ATTRIBUTE_ID,
                name=vocabulary.SIZE if is_clothes_size else vocabulary.SPECIFICATION,
                value=size,
                image=None,
            ),
        ),
        price_fen=offer.price_fen * (100 + 5 * size_index) // 100,
        # About one SKU in eight is sold out.
        stock=0 if rng.chance(f"sold out {index}", 12) else rng.randint(f"stock {index}", 5, 3000),
        weight_grams=offer.third_category.weight_grams * (100 + 8 * size_index) // 100,
    )


def build_price_tiers(offer: Offer) -> tuple[tuple[int, int], ...]:
    """Return (minimum quantity, price in fen): the quantities rise and the prices fall."""
    tiers = [(offer.min_order, offer.price_fen)]
    if offer.rng.chance("second tier", 75):
        tiers.append((offer.min_order * 25, offer.price_fen * 90 // 100))
    if offer.rng.chance("third tier", 35):
        tiers.append((offer.min_order * 200, offer.price_fen * 82 // 100))
    return tuple(tiers)
