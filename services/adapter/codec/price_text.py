"""Reads the texts in which 1688 writes prices: one number, or the two ends of a range.

A pure function, without protos. It raises ConversionError for any other text, such as 面议 (negotiable), and
for a currency sign that does not fit the currency.
"""

import re
from typing import TypeAlias

from services.adapter.codec.conversions import ConversionError, parse_money

Amount: TypeAlias = tuple[int, int]
"""Units and nanos, both with the same sign."""

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFFE5: "¥"}
"""Full-width characters to the usual ones."""
# Possessive quantifiers: no text makes this expression backtrack for a long time.
_NUMBER = re.compile(
    r"\s*+(?:(?P<before>[¥$元]|[A-Z]{3})\s*+)?+"
    r"(?P<number>(?:[1-9][0-9]{0,2}(?:,[0-9]{3})++|[0-9]++)(?:\.[0-9]++)?+)"
    r"\s*+(?:(?P<after>[¥$元]|[A-Z]{3})\s*+)?+"
)
"""A number that is not negative, with or without a currency sign. Commas only separate thousands."""
_BETWEEN = re.compile("[-\u2010-\u2015\u2212~\u223c\u301c至到]{1,2}")
"""Between the ends of a range: any dash or tilde, or the Chinese word for "to"."""
_SIGNS = {
    "¥": ("CNY", "JPY"),
    "元": ("CNY",),
    "RMB": ("CNY",),
    "$": ("AUD", "CAD", "HKD", "MXN", "NZD", "SGD", "TWD", "USD"),
}
"""The currencies that a sign may mean. The code of a currency always means that currency."""


def parse_amounts(text: str, currency: str) -> tuple[Amount, ...]:
    """Return the amount of one number, such as ¥1,280.00, or the ends of a range, such as 125-128.

    `currency` is a currency code. The lower end is the first.
    """
    parts = _BETWEEN.split(text.translate(_HALF_WIDTH), maxsplit=2)
    amounts = tuple(_parse_number(part, currency) for part in parts)
    if len(amounts) > 2 or amounts[0] > amounts[-1]:
        raise ConversionError("not a range from low to high")
    return amounts


def _parse_number(text: str, currency: str) -> Amount:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ConversionError("not a number")
    for sign in (match["before"], match["after"]):
        if sign not in (None, currency) and currency not in _SIGNS.get(sign, ()):
            raise ConversionError("the sign of another currency")
    amount = parse_money(match["number"].replace(",", ""))
    if amount is None:
        raise ConversionError("not a number")
    return amount
