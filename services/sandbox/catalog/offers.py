"""One offer and its facts."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.categories import Aisle, Department, Kind
from services.sandbox.catalog.localized_text import Word
from services.sandbox.catalog.seeded_random import Dice
from services.sandbox.catalog.sellers import SELLERS, Seller, seller

FIRST_OFFER_ID = 620_201_390_233
OFFER_ID_STEP = 61_000_007


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """A product on sale. Money is in fen, counts are units. There is one object for each offer."""

    number: int
    offer_id: int
    title: Word
    department: Department
    aisle: Aisle
    kind: Kind
    style: Word
    material: Word
    colours: tuple[int, ...]
    """Indexes into the vocabulary's colours; the first is the one on the main picture."""
    seller: Seller
    price_fen: int
    """The price of the smallest wholesale quantity."""
    min_order: int
    jxhy_fen: int | None
    """The price in the selected supply (精选货源), for offers that are in it."""
    consign_fen: int | None
    """The price of a single piece, for offers sold one by one."""
    promotion_fen: int | None
    selected: bool
    """In the cross-border select pool."""
    choices: Mapping[str, bool]
    """For each filter choice key, whether this offer satisfies it."""
    sold_7d: int
    sold_14d: int
    sold_30d: int
    sold_ever: int
    repurchase_permille: int

    @property
    def dice(self) -> Dice:
        """The dice that further facts of this offer are drawn with."""
        return Dice(f"offer {self.offer_id}")

    @property
    def ships_in(self) -> str:
        """The promised shipping time, in the platform's word."""
        return "shipIn24Hours" if self.choices["shipIn24Hours"] else "shipIn48Hours"


def make_offer(number: int, department: Department, aisle: Aisle, kind: Kind) -> Offer:
    """The offer of this number. Same number, same offer, on every machine."""
    offer_id = FIRST_OFFER_ID + number * OFFER_ID_STEP
    dice = Dice(f"offer {offer_id}")
    style = dice.pick("style", department.styles)
    material = dice.pick("material", department.materials)
    low, high = kind.price_yuan
    # Most prices lie near the lower end of the range, as in any market.
    price = min(
        dice.number("price", low * 100, high * 100), dice.number("price again", low * 100, high * 100)
    )
    price = max(10, price - price % 10)
    sold_7d = dice.number("sold 7d", 0, 400) * dice.number("fame", 1, 8)
    sold_14d = sold_7d + dice.number("sold 14d", 0, 900)
    sold_30d = sold_14d + dice.number("sold 30d", 0, 2500)
    company = seller(dice.number("seller", 0, SELLERS - 1))
    one_piece = dice.chance("one piece", 60)
    jxhy = dice.chance("jxhy", 45)
    selected = dice.chance("selected", 30)
    return Offer(
        number=number,
        offer_id=offer_id,
        title=_title(dice, kind.noun, style, material),
        department=department,
        aisle=aisle,
        kind=kind,
        style=style,
        material=material,
        colours=_colours(dice),
        seller=company,
        price_fen=price,
        min_order=dice.pick("min order", (1, 2, 2, 3, 5, 10)),
        jxhy_fen=price * 94 // 100 if jxhy else None,
        consign_fen=price * 108 // 100 if one_piece else None,
        promotion_fen=price * 97 // 100 if dice.chance("promotion", 35) else None,
        selected=selected,
        choices=_choices(dice, company, one_piece=one_piece, jxhy=jxhy, selected=selected),
        sold_7d=sold_7d,
        sold_14d=sold_14d,
        sold_30d=sold_30d,
        sold_ever=sold_30d * dice.number("sold ever", 2, 30),
        repurchase_permille=dice.number("repurchase", 0, 620),
    )


def _title(dice: Dice, noun: Word, style: Word, material: Word) -> Word:
    opener = dice.pick("opener", vocabulary.OPENERS)
    tail = dice.pick("tail", vocabulary.TAILS)
    en = f"{opener.en} {style.en} {material.en} {noun.en} {tail.en}"
    vi = f"{noun.vi} {material.vi} {style.vi} {opener.vi} {tail.vi}"
    return Word(
        zh=opener.zh + style.zh + material.zh + noun.zh + tail.zh,
        en=en,
        ja=f"{opener.ja} {style.ja} {material.ja} {noun.ja} {tail.ja}",
        vi=vi[0].upper() + vi[1:],
    )


def _colours(dice: Dice) -> tuple[int, ...]:
    count = len(vocabulary.COLOURS)
    first = dice.number("colour", 0, count - 1)
    # Steps of 3 among 10 colours never meet the same one twice.
    return tuple((first + 3 * n) % count for n in range(dice.number("colours", 1, 4)))


def _choices(dice: Dice, company: Seller, *, one_piece: bool, jxhy: bool, selected: bool) -> dict[str, bool]:
    hours = dice.pick("ships", (12, 24, 24, 48, 48, 72))
    free_post = one_piece and dice.chance("free post", 50)
    return {
        "certifiedFactory": company.certified_factory,
        "totalEpScoreLv1": company.score_tenths == 50,
        "totalEpScoreLv2": 45 <= company.score_tenths < 50,
        "totalEpScoreLv3": 40 <= company.score_tenths < 45,
        "totalEpScoreLv4": company.score_tenths < 40,
        "getRate24HLv3": company.rate_24h >= 99,
        "getRate24HLv2": company.rate_24h >= 95,
        "getRate24HLv1": company.rate_24h < 95,
        "getRate48HLv3": company.rate_48h >= 99,
        "getRate48HLv2": company.rate_48h >= 95,
        "getRate48HLv1": company.rate_48h < 95,
        "shipInToday": hours <= 12,
        "shipIn24Hours": hours <= 24,
        "shipIn48Hours": hours <= 48,
        "isOnePsale": one_piece,
        "isOnePsaleFreePost": free_post,
        "isOnePsaleFreePostage": free_post,
        "jxhy": jxhy,
        "isSelect": selected,
        "freeCredit": dice.chance("free credit", 50),
        "noReason7DReturn": dice.chance("returns", 65),
        "dyCiphertext": dice.chance("douyin", 40),
        "ksCiphertext": dice.chance("kuaishou", 40),
    }
