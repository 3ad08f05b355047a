"""One offer and its properties."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.categories import SecondCategory, ThirdCategory, TopCategory
from services.sandbox.catalog.localized_text import LocalizedText
from services.sandbox.catalog.seeded_random import SeededRandom
from services.sandbox.catalog.sellers import SELLER_COUNT, Seller, build_seller

FIRST_OFFER_ID = 620_201_390_233
OFFER_ID_STEP = 61_000_007
PROMOTION_PERCENT = 97
"""The price with the promotion of an offer."""
OFFERS_PER_CATEGORY = 50
"""Number of offers in each third-level category."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """A product on sale. There is one object for each offer, so offers are compared by identity."""

    number: int
    offer_id: int
    title: LocalizedText
    top_category: TopCategory
    second_category: SecondCategory
    third_category: ThirdCategory
    style: LocalizedText
    material: LocalizedText
    colours: tuple[int, ...]
    """Indexes into `vocabulary.COLOURS`; the main image shows the first."""
    seller: Seller
    price_fen: int
    """The price of the smallest wholesale quantity."""
    min_order: int
    jxhy_fen: int | None
    """The price in 1688's curated supply (jxhy, 精选货源), for offers that belong to it."""
    consign_fen: int | None
    """The price of a single piece, for offers sold by the piece."""
    promotion_fen: int | None
    selected: bool
    """Whether the offer is in 1688's selection for cross-border trade (`isSelect`)."""
    filter_matches: Mapping[str, bool]
    """For each filter key, whether this offer matches it."""
    sold_7d: int
    sold_14d: int
    sold_30d: int
    sold_ever: int
    repurchase_permille: int

    @property
    def rng(self) -> SeededRandom:
        """The generator of further properties of this offer."""
        return SeededRandom(f"offer {self.offer_id}")

    @property
    def shipping_promise(self) -> str:
        """The promised shipping time, as 1688 names it."""
        return "shipIn24Hours" if self.filter_matches["shipIn24Hours"] else "shipIn48Hours"


def build_offer(
    number: int, top_category: TopCategory, second_category: SecondCategory, third_category: ThirdCategory
) -> Offer:
    """Return the offer with this number. It is the same on every machine."""
    offer_id = FIRST_OFFER_ID + number * OFFER_ID_STEP
    rng = SeededRandom(f"offer {offer_id}")
    style = rng.choice("style", top_category.styles)
    material = rng.choice("material", top_category.materials)
    low, high = third_category.price_yuan
    # The lower of two random prices: most prices are near the lower end of the range.
    price = min(
        rng.randint("price", low * 100, high * 100), rng.randint("price again", low * 100, high * 100)
    )
    price = max(10, price - price % 10)
    sold_7d = rng.randint("sold 7d", 0, 400) * rng.randint("fame", 1, 8)
    sold_14d = sold_7d + rng.randint("sold 14d", 0, 900)
    sold_30d = sold_14d + rng.randint("sold 30d", 0, 2500)
    seller = build_seller(rng.randint("seller", 0, SELLER_COUNT - 1))
    one_piece = rng.chance("one piece", 60)
    jxhy = rng.chance("jxhy", 45)
    selected = rng.chance("selected", 30)
    return Offer(
        number=number,
        offer_id=offer_id,
        title=_build_title(rng, third_category.noun, style, material),
        top_category=top_category,
        second_category=second_category,
        third_category=third_category,
        style=style,
        material=material,
        colours=_choose_colours(rng),
        seller=seller,
        price_fen=price,
        min_order=rng.choice("min order", (1, 2, 2, 3, 5, 10)),
        jxhy_fen=price * 94 // 100 if jxhy else None,
        consign_fen=price * 108 // 100 if one_piece else None,
        promotion_fen=price * PROMOTION_PERCENT // 100 if rng.chance("promotion", 35) else None,
        selected=selected,
        filter_matches=_match_filters(rng, seller, one_piece=one_piece, jxhy=jxhy, selected=selected),
        sold_7d=sold_7d,
        sold_14d=sold_14d,
        sold_30d=sold_30d,
        sold_ever=sold_30d * rng.randint("sold ever", 2, 30),
        repurchase_permille=rng.randint("repurchase", 0, 620),
    )


def _build_title(
    rng: SeededRandom, noun: LocalizedText, style: LocalizedText, material: LocalizedText
) -> LocalizedText:
    prefix = rng.choice("opener", vocabulary.TITLE_PREFIXES)
    suffix = rng.choice("tail", vocabulary.TITLE_SUFFIXES)
    en = f"{prefix.en} {style.en} {material.en} {noun.en} {suffix.en}"
    vi = f"{noun.vi} {material.vi} {style.vi} {prefix.vi} {suffix.vi}"
    return LocalizedText(
        zh=prefix.zh + style.zh + material.zh + noun.zh + suffix.zh,
        en=en,
        ja=f"{prefix.ja} {style.ja} {material.ja} {noun.ja} {suffix.ja}",
        vi=vi[0].upper() + vi[1:],
    )


def _choose_colours(rng: SeededRandom) -> tuple[int, ...]:
    count = len(vocabulary.COLOURS)
    first = rng.randint("colour", 0, count - 1)
    # Up to four colours, each three places after the one before in the circle of ten: they all differ.
    return tuple((first + 3 * n) % count for n in range(rng.randint("colours", 1, 4)))


def _match_filters(
    rng: SeededRandom, seller: Seller, *, one_piece: bool, jxhy: bool, selected: bool
) -> dict[str, bool]:
    hours = rng.choice("ships", (12, 24, 24, 48, 48, 72))
    free_post = one_piece and rng.chance("free post", 50)
    return {
        "certifiedFactory": seller.certified_factory,
        "totalEpScoreLv1": seller.score_tenths == 50,
        "totalEpScoreLv2": 45 <= seller.score_tenths < 50,
        "totalEpScoreLv3": 40 <= seller.score_tenths < 45,
        "totalEpScoreLv4": seller.score_tenths < 40,
        "getRate24HLv3": seller.pickup_rate_24h >= 99,
        "getRate24HLv2": seller.pickup_rate_24h >= 95,
        "getRate24HLv1": seller.pickup_rate_24h < 95,
        "getRate48HLv3": seller.pickup_rate_48h >= 99,
        "getRate48HLv2": seller.pickup_rate_48h >= 95,
        "getRate48HLv1": seller.pickup_rate_48h < 95,
        "shipInToday": hours <= 12,
        "shipIn24Hours": hours <= 24,
        "shipIn48Hours": hours <= 48,
        "isOnePsale": one_piece,
        "isOnePsaleFreePost": free_post,
        "isOnePsaleFreePostage": free_post,
        "jxhy": jxhy,
        "isSelect": selected,
        "freeCredit": rng.chance("free credit", 50),
        "noReason7DReturn": rng.chance("returns", 65),
        "dyCiphertext": rng.chance("douyin", 40),
        "ksCiphertext": rng.chance("kuaishou", 40),
    }
