"""Decoders of single values: from a JSON value of a response to the value that a protobuf field is set to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.decimal_pb2 import Decimal as DecimalMessage
from google.type.money_pb2 import Money

from services.adapter.codec.conversions import (
    NANOS,
    ConversionError,
    check_number,
    format_decimal,
    parse_bool,
    parse_decimal,
    parse_integer,
    parse_money,
    parse_text,
    parse_timestamp,
    split_nanos,
)
from services.adapter.codec.price_text import Amount, parse_amounts
from services.adapter.codec.tolerant_json import Json, dump

CNY = "CNY"
NANOS_PER_FEN = NANOS // 100


@dataclass(slots=True)
class DecodeContext:
    """The state of decoding one response."""

    currency: str = ""
    """The currency of the request. Amounts in a foreign currency are in this one."""
    unreadable: list[str] = field(default_factory=list)
    """Paths of the fields that could not be read, such as offers.price_info.price."""


@dataclass(frozen=True, slots=True)
class PriceRange:
    """What 1688 sent as a price that is not one number."""

    text: str
    ends: tuple[Money, Money] | None
    """From low to high. None if the text is not a range."""


class PriceDecoder(Protocol):
    """Decodes the values of one price, also those that are not one number."""

    def __call__(self, value: Json, context: DecodeContext, /) -> Money | PriceRange | None:
        """Return the price, or None if the value is blank. Raises ConversionError."""


class ScalarDecoder(Protocol):
    """Decodes the values of one field."""

    def __call__(self, value: Json, context: DecodeContext, /) -> object:
        """Return the value of the field, or None if the value is blank. Raises ConversionError."""


def decode_text(value: Json, _: DecodeContext) -> str | None:
    """Decode a string."""
    return value if type(value) is str else parse_text(value)


def decode_json(value: Json, _: DecodeContext) -> str:
    """Decode any value to JSON text."""
    return dump(value)


def decode_bool(value: Json, _: DecodeContext) -> bool | None:
    """Decode a bool."""
    return value if type(value) is bool else parse_bool(value)


def decode_double(value: Json, _: DecodeContext) -> float | None:
    """Decode a double."""
    number = parse_decimal(value)
    return None if number is None else float(number)


def decode_int32(value: Json, _: DecodeContext) -> int | None:
    """Decode an int32."""
    return _check_range(parse_integer(value), 2**31)


def decode_int64(value: Json, _: DecodeContext) -> int | None:
    """Decode an int64."""
    return _check_range(parse_integer(value), 2**63)


def _check_range(number: int | None, limit: int) -> int | None:
    if number is not None and not -limit <= number < limit:
        raise ConversionError("out of range")
    return number


class EnumDecoder:
    """Decodes an enum from 1688's texts."""

    def __init__(self, texts: Mapping[int, tuple[str, ...]]) -> None:
        """`texts` has all texts of each enum value, by its number."""
        self._numbers = {text: number for number, aliases in texts.items() for text in aliases}

    def __call__(self, value: Json, _: DecodeContext, /) -> int | None:
        """Return the number of the enum value that has this text."""
        text = parse_text(value)
        if not text:
            return None
        if text not in self._numbers:
            raise ConversionError("not a known text")
        return self._numbers[text]


def decode_yuan(value: Json, context: DecodeContext) -> Money | None:
    """Decode an amount in yuan."""
    return _check_one_number(decode_yuan_price(value, context))


def decode_yuan_price(value: Json, _: DecodeContext) -> Money | PriceRange | None:
    """Decode a price in yuan."""
    return _parse_price(_check_number_or_text(value), CNY)


def decode_fen(value: Json, _: DecodeContext) -> Money | None:
    """Decode a whole number of fen."""
    fen = parse_integer(value)
    return None if fen is None else _build_money(CNY, split_nanos(fen * NANOS_PER_FEN))


def decode_foreign(value: Json, context: DecodeContext) -> Money | None:
    """Decode an amount in the currency of the request."""
    return _check_one_number(decode_foreign_price(value, context))


def decode_foreign_price(value: Json, context: DecodeContext) -> Money | PriceRange | None:
    """Decode a price in the currency of the request."""
    price = _parse_price(_check_number_or_text(value), context.currency)
    if price is not None and not context.currency:
        raise ConversionError("an amount in a foreign currency, but the request names no currency")
    return price


def decode_timestamp(value: Json, _: DecodeContext) -> Timestamp | None:
    """Decode a time."""
    return _parse_timestamp(_check_number_or_text(value))


def decode_decimal(value: Json, _: DecodeContext) -> DecimalMessage | None:
    """Decode a number that may have a fraction, exactly."""
    number = parse_decimal(value)
    return None if number is None else DecimalMessage(value=format_decimal(number))


# A response often repeats prices and days. Callers copy the cached messages and must not change them.
@lru_cache(maxsize=4096, typed=True)
def _parse_price(value: str | int | Decimal, currency: str) -> Money | PriceRange | None:
    try:
        amount = parse_money(value)
    except ConversionError:
        # Equal decimals of another spelling are one key of the cache: they need the same text.
        text = format_decimal(value) if isinstance(value, Decimal) else str(value)
        return _parse_price_text(text, currency)
    return None if amount is None else _build_money(currency, amount)


@lru_cache(maxsize=4096, typed=True)
def _parse_timestamp(value: str | int | Decimal) -> Timestamp | None:
    time = parse_timestamp(value)
    return None if time is None else Timestamp(seconds=time[0], nanos=time[1])


def _parse_price_text(text: str, currency: str) -> Money | PriceRange:
    try:
        low, *rest = (_build_money(currency, amount) for amount in parse_amounts(text, currency))
    except ConversionError:
        return PriceRange(text, ends=None)
    return PriceRange(text, ends=(low, rest[0])) if rest else low


def _check_one_number(price: Money | PriceRange | None) -> Money | None:
    if isinstance(price, PriceRange):
        raise ConversionError("not one number")
    return price


def _build_money(currency: str, amount: Amount) -> Money:
    return Money(currency_code=currency, units=amount[0], nanos=amount[1])


def _check_number_or_text(value: Json) -> str | int | Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ConversionError("neither a number nor text")
    return check_number(value) if isinstance(value, Decimal) else value
