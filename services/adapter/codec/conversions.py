"""Exact conversions between values of 1688 and ours. Pure functions, without protos.

The `parse_` functions accept every unambiguous form. They return None for no value (null, empty text, spaces,
or the text null if the field is not a string). They raise ConversionError if the value cannot be read, the
other functions if it cannot be sent exactly.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal, Inexact, InvalidOperation

from services.adapter.codec.tolerant_json import Json

BEIJING = timezone(timedelta(hours=8))
NANOS = 10**9
INT64 = 2**63

_MAX_DIGITS = 40
"""A limit against numbers such as 1e999999999, whose digits would fill the memory."""
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_COMPACT = re.compile(r"(\d{14})(\d{3})?([+-]\d{4})?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""From 0001-01-01 00:00:00 to 9999-12-31 23:59:59 UTC: what a Timestamp holds."""
_EPOCH_SECONDS = range(10**9, 10**10)
_EPOCH_MILLIS = range(10**12, 10**13)
"""From 2001 to 2286. Numbers of another length are ambiguous: they may be the digits of a date."""
_EXACT = Context(prec=2 * _MAX_DIGITS, traps=[Inexact])


class ConversionError(ValueError):
    """A value cannot be converted. The text says what is accepted, and does not contain the value."""


def is_blank(text: str) -> bool:
    """Whether a text in a field that is not a string means no value: empty, spaces, or the text null."""
    return text.strip().lower() in ("", "null")


def parse_text(value: Json) -> str | None:
    """Accept text as it is, numbers in plain digits, and booleans as JSON writes them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{_check_size(value):f}"
    raise ConversionError("not a text")


def parse_bool(value: Json) -> bool | None:
    """Accept booleans, 1 and 0 also as text, and true, false, yes and no in any case."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        if is_blank(value):
            return None
        text = value.strip().lower()
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        value = parse_decimal(value)
        if value in (0, 1):
            return bool(value)
    raise ConversionError("not a boolean")


def parse_decimal(value: Json) -> Decimal | None:
    """Accept numbers and numeric text, exactly; only finite ones within _MAX_DIGITS."""
    if value is None:
        return None
    if isinstance(value, str):
        if is_blank(value):
            return None
        value = value.strip()
        if len(value) > _MAX_DIGITS or not value.isascii() or "_" in value:
            raise ConversionError("not a number")
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ConversionError("not a number")
    try:
        return _check_size(Decimal(value))
    except InvalidOperation as error:
        raise ConversionError("not a number") from error


def _check_size(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
        raise ConversionError("not a number of acceptable size")
    return number


def parse_integer(value: Json) -> int | None:
    """Accept whole numbers in any spelling: 12, "12", 12.0."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _MAX_DIGITS:
        return int(value)
    number = parse_decimal(value)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise ConversionError("not a whole number")
    return int(number)


def parse_money(value: str | int | Decimal) -> tuple[int, int] | None:
    """Return an amount as (units, nanos), both with the same sign."""
    number = parse_decimal(value)
    if number is None:
        return None
    try:
        return split_nanos(int(_EXACT.to_integral_exact(_EXACT.multiply(number, NANOS))))
    except Inexact as error:
        raise ConversionError("smaller than a nano") from error


def split_nanos(total: int) -> tuple[int, int]:
    """Return a number of nanos as (units, nanos), both with the same sign."""
    units, nanos = divmod(abs(total), NANOS)
    if units >= INT64:
        raise ConversionError("does not fit into a Money")
    return (units, nanos) if total >= 0 else (-units, -nanos)


def parse_timestamp(value: str | int | Decimal) -> tuple[int, int] | None:
    """Return seconds since the epoch and nanoseconds, from any form of time that 1688 writes.

    These are yyyy-MM-dd HH:mm:ss, the same in ISO form, yyyyMMddHHmmss[SSS][+0800], and the epoch in
    seconds or milliseconds, as a number or text. A time without a zone is Beijing time.
    """
    text = str(value).strip()
    if match := _ISO.fullmatch(text):
        day, clock, fraction, zone = match.groups()
        return _parse_datetime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S", zone, fraction or "")
    if match := _COMPACT.fullmatch(text):
        digits, millis, zone = match.groups()
        return _parse_datetime(digits, "%Y%m%d%H%M%S", zone, millis or "")
    number = parse_integer(value)
    if number is None:
        return None
    if number in _EPOCH_SECONDS:
        return number, 0
    if number in _EPOCH_MILLIS:
        return number // 1000, number % 1000 * 10**6
    raise ConversionError("not a time")


def _parse_datetime(text: str, format_: str, zone: str | None, fraction: str) -> tuple[int, int]:
    try:
        time = datetime.strptime(text, format_).replace(tzinfo=_parse_zone(zone))
    except ValueError as error:
        raise ConversionError("not a time") from error
    seconds = int(time.timestamp())
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise ConversionError("not a time")
    return seconds, int(fraction.ljust(9, "0"))


def _parse_zone(text: str | None) -> timezone:
    if text is None:
        return BEIJING
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def format_money(units: int, nanos: int) -> str:
    """Return an amount as decimal text, such as 35.9 or 10."""
    whole, fraction = divmod(units * NANOS + nanos, NANOS)
    return f"{whole}.{fraction:09}".rstrip("0").rstrip(".")


def to_fen(units: int, nanos: int) -> int:
    """Return an amount as a whole number of fen."""
    fen, rest = divmod(units * NANOS + nanos, NANOS // 100)
    if rest:
        raise ConversionError("must be a whole number of fen")
    if fen >= INT64:
        raise ConversionError("is more than 1688 accepts")
    return fen


def check_money(currency: str, units: int, nanos: int) -> None:
    """Raise ConversionError for another currency, and for a negative or invalid amount."""
    if currency not in ("", "CNY"):
        raise ConversionError("must be in CNY")
    if units < 0 or not 0 <= nanos < NANOS:
        raise ConversionError("must be an amount of at least 0, with nanos from 0 to 999,999,999")


def to_beijing_time(seconds: int, nanos: int) -> datetime:
    """Return a timestamp in Beijing time."""
    if not 0 <= nanos < NANOS:
        raise ConversionError("must have nanos from 0 to 999,999,999")
    try:
        return datetime.fromtimestamp(seconds, BEIJING).replace(microsecond=nanos // 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise ConversionError("must be a time of the years 1 to 9999") from error
