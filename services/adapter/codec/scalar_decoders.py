"""Decoders of single values: from a JSON value of a response to the value that a protobuf field is set to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from services.adapter.codec.conversions import (
    NANOS,
    ConversionError,
    parse_bool,
    parse_decimal,
    parse_integer,
    parse_money,
    parse_text,
    parse_timestamp,
    split_nanos,
)
from services.adapter.codec.tolerant_json import Json, dump

CNY = "CNY"
NANOS_PER_FEN = NANOS // 100


@dataclass(slots=True)
class DecodeContext:
    """The state of decoding one response."""

    currency: str = ""
    """The currency of the request, which is that of foreign amounts."""
    unreadable: list[str] = field(default_factory=list)
    """Paths of the fields that could not be read, such as offers.price_info.price."""


class ScalarDecoder(Protocol):
    """Decodes the values of one field."""

    def __call__(self, value: Json, context: DecodeContext, /) -> object:
        """Return the value of the field, or None for a blank. Raises ConversionError."""


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
        """`texts` are all texts of each number."""
        self._numbers = {text: number for number, aliases in texts.items() for text in aliases}

    def __call__(self, value: Json, _: DecodeContext, /) -> int | None:
        """Return the number of the text."""
        text = parse_text(value)
        if not text:
            return None
        if text not in self._numbers:
            raise ConversionError("not a known text")
        return self._numbers[text]


def decode_yuan(value: Json, _: DecodeContext) -> Money | None:
    """Decode an amount in yuan."""
    return _parse_yuan(_check_number_or_text(value))


def decode_fen(value: Json, _: DecodeContext) -> Money | None:
    """Decode a whole number of fen."""
    fen = parse_integer(value)
    return None if fen is None else _build_money(CNY, split_nanos(fen * NANOS_PER_FEN))


def decode_foreign(value: Json, context: DecodeContext) -> Money | None:
    """Decode an amount in the currency of the request."""
    amount = parse_money(_check_number_or_text(value))
    if amount is not None and not context.currency:
        raise ConversionError("an amount in a currency that was not requested")
    return None if amount is None else _build_money(context.currency, amount)


def decode_timestamp(value: Json, _: DecodeContext) -> Timestamp | None:
    """Decode a time."""
    return _parse_timestamp(_check_number_or_text(value))


# A response often repeats prices and days. Callers copy the cached messages and must not change them.
@lru_cache(maxsize=4096, typed=True)
def _parse_yuan(value: str | int | Decimal) -> Money | None:
    amount = parse_money(value)
    return None if amount is None else _build_money(CNY, amount)


@lru_cache(maxsize=4096, typed=True)
def _parse_timestamp(value: str | int | Decimal) -> Timestamp | None:
    time = parse_timestamp(value)
    return None if time is None else Timestamp(seconds=time[0], nanos=time[1])


def _build_money(currency: str, amount: tuple[int, int]) -> Money:
    return Money(currency_code=currency, units=amount[0], nanos=amount[1])


def _check_number_or_text(value: Json) -> str | int | Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ConversionError("neither a number nor text")
    return value
