"""Exact conversions between 1688's values and the values of fields. Pure functions, without protos.

The `parse_` functions accept every unambiguous form. They return None for no value: null, and for every type
but strings also an empty text, spaces, and the text null. They raise ConversionError if a value cannot be
read. The other functions raise it if a value cannot be sent exactly.
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
    r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(:\d{2}(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_PADDING = re.compile(r"(?<=[-:\s])\s(\d)(?!\d)")
"""A blank in place of a leading zero."""
_BLANKS = re.compile(r"\s*([-:.+TZ])\s*|\s+")
"""Blanks around a separator, which mean nothing, and blanks that separate the day from the time of day."""
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""From 0001-01-01 00:00:00 to 9999-12-31 23:59:59 UTC: the range of a Timestamp."""
_EPOCH_SECONDS = range(10**9, 10**10)
_EPOCH_MILLIS = range(10**12, 10**13)
"""From 2001 to 2286. Numbers of another length are ambiguous: they may be the digits of a date."""
_EXACT = Context(prec=2 * _MAX_DIGITS, traps=[Inexact])


class ConversionError(ValueError):
    """A value cannot be converted. The error's text says what is accepted, and does not contain the value."""


class InvalidValue(ConversionError):
    """A value of a request cannot be sent. The text says what is accepted."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule
        """The id of the rule in capitals."""


def is_blank(text: str) -> bool:
    """Whether a text in a field that is not a string means no value: empty, spaces, or the text null."""
    return text.strip().lower() in ("", "null")


def parse_text(value: Json) -> str | None:
    """Accept text as it is, numbers (without an exponent in the result), and booleans as JSON writes them."""
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
    """Accept booleans, 1 and 0 as a number or text, and true, false, yes and no in upper or lower case."""
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
        return check_number(Decimal(value))
    except InvalidOperation as error:
        raise ConversionError("not a number") from error


def check_number(number: Decimal) -> Decimal:
    """Return a number if it is finite and within _MAX_DIGITS; zero without its sign and exponent.

    So equal numbers, which are one key of a cache, are alike in all that matters but their spelling.
    """
    return _check_size(number) or Decimal(0)


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
        raise ConversionError("has more than nine decimal places") from error


def split_nanos(total: int) -> tuple[int, int]:
    """Return a number of nanos as (units, nanos), both with the same sign."""
    units, nanos = divmod(abs(total), NANOS)
    if units >= INT64:
        raise ConversionError("does not fit into a Money")
    return (units, nanos) if total >= 0 else (-units, -nanos)


def parse_timestamp(value: str | int | Decimal) -> tuple[int, int] | None:
    """Return seconds since the epoch and nanoseconds, from any form of time that 1688 writes.

    These are yyyy-MM-dd HH:mm:ss, the same in ISO form, yyyyMMddHHmmss[SSS][+0800], and the epoch in
    seconds or milliseconds, as a number or text. A time without a zone is Beijing time. In the first two,
    the seconds may be missing: they are 0. Blanks may stand around each part, or for a leading zero.
    """
    if isinstance(value, Decimal):  # 20260102030405.0 means the same as 20260102030405
        value = parse_integer(value) or 0
    if type(value) is int and value in _EPOCH_MILLIS:
        return value // 1000, value % 1000 * 10**6
    text = _BLANKS.sub(lambda match: match[1] or " ", _PADDING.sub(r"0\1", str(value).strip()))
    if match := _ISO.fullmatch(text):
        day, minute, second, fraction, zone = match.groups()
        clock = f"{minute}{second[:3] if second else ':00'}"
        return _parse_datetime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S", zone, fraction or "")
    if match := _COMPACT.fullmatch(text.replace(" ", "")):
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


def format_decimal(number: Decimal) -> str:
    """Return a number as decimal text without an exponent and trailing zeros, such as 0.001 or 10."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_number(text: str) -> int | Decimal:
    """Return the number in the text of a google.type.Decimal."""
    try:
        number = parse_decimal(text)
    except ConversionError:
        number = None
    if number is None:
        raise InvalidValue("DECIMAL", "must be a decimal number")
    return int(number) if number == number.to_integral_value() else number


def to_fen(units: int, nanos: int) -> int:
    """Return an amount as a whole number of fen."""
    fen, rest = divmod(units * NANOS + nanos, NANOS // 100)
    if rest:
        raise InvalidValue("MONEY_FEN", "must be a whole number of fen")
    if fen >= INT64:
        raise InvalidValue("MONEY_FEN", "must be less than 92233720368547758")
    return fen


def check_money(currency: str, units: int, nanos: int) -> None:
    """Raise ConversionError for a currency other than CNY, and for a negative or invalid amount."""
    if currency not in ("", "CNY"):
        raise InvalidValue("MONEY_CNY", "must be in CNY")
    if units < 0 or not 0 <= nanos < NANOS:
        raise InvalidValue(
            "MONEY_NOT_NEGATIVE", "must be an amount of at least 0, with nanos from 0 to 999,999,999"
        )


def to_beijing_time(seconds: int, nanos: int) -> datetime:
    """Return a timestamp in Beijing time."""
    if not 0 <= nanos < NANOS:
        raise InvalidValue("TIMESTAMP_RANGE", "must have nanos from 0 to 999,999,999")
    try:
        return datetime.fromtimestamp(seconds, BEIJING).replace(microsecond=nanos // 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidValue("TIMESTAMP_RANGE", "must be a time of the years 1 to 9999") from error
