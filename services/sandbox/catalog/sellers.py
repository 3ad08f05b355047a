"""The companies that sell, each with its scores."""

from dataclasses import dataclass
from functools import cache

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.localized_text import Word
from services.sandbox.catalog.seeded_random import Dice

SELLERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """One company."""

    open_id: str
    member_id: str
    company: str
    address: str
    """Province and city, in Chinese."""
    city: Word
    certified_factory: bool
    years: int
    medal: int
    score_tenths: int
    """The service score of five stars, times ten."""
    scores: tuple[str, ...]
    """Logistics, disputes, goods, after-sales and consulting, each such as `4.5`."""
    repeat_buyers: str
    """A ratio such as `0.4666`."""
    rate_24h: int
    """Percent of orders collected by the carrier within 24 hours."""
    rate_48h: int
    identities: tuple[str, ...]


@cache
def seller(number: int) -> Seller:
    """The seller of this number, from 0 to SELLERS - 1."""
    dice = Dice(f"seller {number}")
    address, city = dice.pick("city", vocabulary.CITIES)
    factory = dice.chance("factory", 30)
    rate_24h = dice.number("24h", 88, 100)
    company = (
        city.zh
        + dice.pick("company", vocabulary.COMPANIES)
        + dice.pick("trade", vocabulary.TRADES)
        + "有限公司"
    )
    identities = ["super_factory"] if factory else []
    if dice.chance("strong", 40):
        identities.append("powerful_merchants")
    return Seller(
        open_id="BBB" + dice.hexadecimal("open id")[:20],
        member_id=f"b2b-{dice.number('member id', 10**9, 4 * 10**9)}{dice.hexadecimal('member id')[:5]}",
        company=company,
        address=address,
        city=city,
        certified_factory=factory,
        years=dice.number("years", 1, 16),
        medal=dice.number("medal", 1, 5),
        score_tenths=dice.number("score", 36, 50),
        scores=tuple(f"{dice.number(f'score {n}', 6, 10) / 2:.1f}" for n in range(5)),
        repeat_buyers=f"0.{dice.number('repeat', 1000, 7900):04d}",
        rate_24h=rate_24h,
        rate_48h=min(100, rate_24h + dice.number("48h", 0, 6)),
        identities=(*identities, "tp_member"),
    )
