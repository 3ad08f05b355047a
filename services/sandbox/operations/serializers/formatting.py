"""How facts of the market are written in answers."""

from dataclasses import dataclass

from services.sandbox.catalog.localized_text import Word
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.sellers import Seller


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Who looks: the language to translate to, and the address to fetch pictures from."""

    language: str
    """A code; the market speaks en, ja and vi, and any other leaves texts untranslated."""
    host: str
    currency: str | None = None

    def translated(self, word: Word) -> str:
        """The word in this language, or untranslated."""
        return word.into(self.language) or word.zh

    def picture(self, offer: Offer, number: int) -> str:
        """The address of one of the offer's pictures."""
        return f"http://{self.host}/pictures/{offer.offer_id}/{number}.jpg"

    def exchanged(self, fen: int | None) -> float | None:
        """An amount in the currency asked for, as a JSON number; None if none is asked for or known."""
        rate = _PER_10000_YUAN.get(self.currency or "")
        if fen is None or rate is None:
            return None
        return fen * rate // 10_000 / 100


# What 10,000 yuan buy. Made up, and fixed so that answers repeat.
_PER_10000_YUAN = {"USD": 1_390, "HKD": 10_850, "JPY": 212_000, "VND": 36_100_000, "MYR": 5_900, "EUR": 1_200}


def yuan(fen: int | None) -> str | None:
    """Yuan as decimal text, such as `35.90`."""
    return None if fen is None else f"{fen // 100}.{fen % 100:02d}"


def percent(tenths: int) -> str:
    """Tenths of a percent as text, such as `99.1%`."""
    return f"{tenths // 10}.{tenths % 10}%"


def seller_data(seller: Seller) -> dict[str, str]:
    """The members of sellerDataInfo that searches and the detail have in common."""
    logistics, disputes, goods, after_sales, consulting = seller.scores
    return {
        "tradeMedalLevel": str(seller.medal),
        "compositeServiceScore": f"{seller.score_tenths / 10:.1f}",
        "logisticsExperienceScore": logistics,
        "disputeComplaintScore": disputes,
        "offerExperienceScore": goods,
        "afterSalesExperienceScore": after_sales,
        "consultingExperienceScore": consulting,
        "repeatPurchasePercent": seller.repeat_buyers,
    }


def created(offer: Offer) -> str:
    """When the offer was made, Beijing time."""
    return _date(offer, "created", 2022, 2024)


def modified(offer: Offer) -> str:
    """When the offer was last changed, Beijing time."""
    return _date(offer, "modified", 2025, 2025)


def _date(offer: Offer, fact: str, first_year: int, last_year: int) -> str:
    def number(part: str, low: int, high: int) -> int:
        return offer.dice.number(f"{fact} {part}", low, high)

    date = f"{number('year', first_year, last_year)}-{number('month', 1, 12):02d}-{number('day', 1, 28):02d}"
    return f"{date} {number('hour', 8, 21):02d}:{number('minute', 0, 59):02d}:00"
