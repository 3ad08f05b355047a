"""The companies that sell, with their scores."""

from dataclasses import dataclass
from functools import cache

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.localized_text import LocalizedText
from services.sandbox.catalog.seeded_random import SeededRandom

SELLER_COUNT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """One company."""

    open_id: str
    member_id: str
    company: str
    address: str
    """Province and city, in Chinese."""
    city: LocalizedText
    certified_factory: bool
    years: int
    medal: int
    score_tenths: int
    """The service score, which is at most five stars, times ten."""
    scores: tuple[str, ...]
    """Logistics, disputes, goods, after-sales and consulting, each such as `4.5`."""
    repurchase_rate: str
    """A ratio such as `0.4666`."""
    pickup_rate_24h: int
    """Percent of orders that the carrier collects within 24 hours."""
    pickup_rate_48h: int
    identities: tuple[str, ...]


@cache
def build_seller(number: int) -> Seller:
    """Return the seller with this number, from 0 to SELLER_COUNT - 1."""
    rng = SeededRandom(f"seller {number}")
    address, city = rng.choice("city", vocabulary.CITIES)
    factory = rng.chance("factory", 30)
    pickup_rate_24h = rng.randint("24h", 88, 100)
    company = (
        city.zh
        + rng.choice("company", vocabulary.COMPANY_NAMES)
        + rng.choice("trade", vocabulary.COMPANY_TRADES)
        + "有限公司"
    )
    identities = ["super_factory"] if factory else []
    if rng.chance("strong", 40):
        identities.append("powerful_merchants")
    return Seller(
        open_id="BBB" + rng.hex_digits("open id")[:20],
        member_id=f"b2b-{rng.randint('member id', 10**9, 4 * 10**9)}{rng.hex_digits('member id')[:5]}",
        company=company,
        address=address,
        city=city,
        certified_factory=factory,
        years=rng.randint("years", 1, 16),
        medal=rng.randint("medal", 1, 5),
        score_tenths=rng.randint("score", 36, 50),
        scores=tuple(f"{rng.randint(f'score {n}', 6, 10) / 2:.1f}" for n in range(5)),
        repurchase_rate=f"0.{rng.randint('repeat', 1000, 7900):04d}",
        pickup_rate_24h=pickup_rate_24h,
        pickup_rate_48h=min(100, pickup_rate_24h + rng.randint("48h", 0, 6)),
        identities=(*identities, "tp_member"),
    )
