"""Formats values of the catalog: languages, image addresses, amounts, rates and dates."""

from dataclasses import dataclass

from services.sandbox.catalog.localized_text import LocalizedText
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.sellers import Seller
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect

LANGUAGE_BY_COUNTRY = {"japan": "ja", "vietnam": "vi"}
"""The languages of the national sites; sites of other countries use English."""

# The value of 10,000 yuan in each currency. Assumed, and constant so that responses are repeatable.
_PER_10000_YUAN = {"USD": 1_390, "HKD": 10_850, "JPY": 212_000, "VND": 36_100_000, "MYR": 5_900, "EUR": 1_200}


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """The language, the currency and the image host of one response."""

    language: str
    """A language code. The catalog has en, ja and vi; with another code, texts stay Chinese."""
    host: str
    currency: str | None = None

    def translate(self, text: LocalizedText) -> str:
        """Return the text in this language, or in Chinese."""
        return text.translate(self.language) or text.zh

    def image_url(self, offer: Offer, number: int) -> str:
        """Return the address of an image of an offer."""
        return f"http://{self.host}/images/{offer.offer_id}/{number}.jpg"

    def convert_currency(self, fen: int | None) -> float | None:
        """Return an amount in this currency; None without an amount, or if the currency is unknown."""
        rate = _PER_10000_YUAN.get(self.currency or "")
        if fen is None or rate is None:
            return None
        return fen * rate // 10_000 / 100


def build_locale(arguments: Arguments) -> Locale:
    """Return the locale that a call asks for."""
    country = arguments.string("country") or ""
    is_national_site = arguments.dialect is Dialect.NATIONAL_SITE
    # On the open platform, `country` holds a language code.
    language = LANGUAGE_BY_COUNTRY.get(country, "en") if is_national_site else country
    return Locale(language=language, host=arguments.host, currency=arguments.string("currency"))


def format_yuan(fen: int | None) -> str | None:
    """Return yuan as decimal text, such as `35.90`."""
    return None if fen is None else f"{fen // 100}.{fen % 100:02d}"


def to_yuan(fen: int) -> int | float:
    """Return yuan as a JSON number: an integer if there are no fen."""
    return fen // 100 if fen % 100 == 0 else fen / 100


def round_id(number: int) -> int:
    """Return an id as a reader has it that takes it for a double, as in some samples of 1688."""
    return int(float(number))


def format_percent(tenths: int) -> str:
    """Return tenths of a percent as text, such as `99.1%`."""
    return f"{tenths // 10}.{tenths % 10}%"


def serialize_seller_data(seller: Seller) -> dict[str, str]:
    """Return the members of sellerDataInfo that searches and the detail have in common."""
    logistics, disputes, goods, after_sales, consulting = seller.scores
    return {
        "tradeMedalLevel": str(seller.medal),
        "compositeServiceScore": f"{seller.score_tenths / 10:.1f}",
        "logisticsExperienceScore": logistics,
        "disputeComplaintScore": disputes,
        "offerExperienceScore": goods,
        "afterSalesExperienceScore": after_sales,
        "consultingExperienceScore": consulting,
        "repeatPurchasePercent": seller.repurchase_rate,
    }


def format_created_date(offer: Offer) -> str:
    """Return when the offer was created, in Beijing time."""
    return _format_date(offer, "created", 2022, 2024)


def format_modified_date(offer: Offer) -> str:
    """Return when the offer was last modified, in Beijing time."""
    return _format_date(offer, "modified", 2025, 2025)


def _format_date(offer: Offer, key: str, first_year: int, last_year: int) -> str:
    def randint(part: str, low: int, high: int) -> int:
        return offer.rng.randint(f"{key} {part}", low, high)

    date = (
        f"{randint('year', first_year, last_year)}-{randint('month', 1, 12):02d}-{randint('day', 1, 28):02d}"
    )
    return f"{date} {randint('hour', 8, 21):02d}:{randint('minute', 0, 59):02d}:00"
