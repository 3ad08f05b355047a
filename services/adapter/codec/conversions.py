"""Exact conversions between 1688's loose values and ours. Pure functions; no protos.

Readers take every unambiguous form. They return None for what stands for "nothing" (null, blank text, and
where no text is wanted the text null), and raise Unfit for what cannot be read. Writers raise Unfit for what
cannot be sent exactly.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal, Inexact, InvalidOperation

from services.adapter.codec.tolerant_json import Json

BEIJING = timezone(timedelta(hours=8))
NANOS = 10**9
INT64 = 2**63

_MAX_DIGITS = 40
"""Longer numbers than this are nonsense; refusing them keeps 1e999999999 from filling the memory."""
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_COMPACT = re.compile(r"(\d{14})(\d{3})?([+-]\d{4})?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""From 0001-01-01 00:00:00 to 9999-12-31 23:59:59 UTC: what a Timestamp holds."""
_EPOCH_SECONDS = range(10**9, 10**10)
_EPOCH_MILLIS = range(10**12, 10**13)
"""Epoch numbers of these lengths, from 2001 to 2286; others could be anything, such as a date's digits."""
_EXACT = Context(prec=2 * _MAX_DIGITS, traps=[Inexact])


class ConversionError(ValueError):
    """The value does not fit. `str()` says what would, and holds no value."""


def is_blank(text: str) -> bool:
    """Whether a text, where none is wanted, stands for nothing: it is blank, or says null."""
    return text.strip().lower() in ("", "null")


def read_text(value: Json) -> str | None:
    """Text as it is; numbers in plain digits, booleans as JSON writes them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{_sane(value):f}"
    raise ConversionError("not a text")


def read_bool(value: Json) -> bool | None:
    """Booleans, 1 and 0, also as text, and words in any case."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        if is_blank(value):
            return None
        word = value.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        value = read_decimal(value)
        if value in (0, 1):
            return bool(value)
    raise ConversionError("not a boolean")


def read_decimal(value: Json) -> Decimal | None:
    """Numbers and numeric text, exactly; only finite ones of sane size."""
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
        return _sane(Decimal(value))
    except InvalidOperation as error:
        raise ConversionError("not a number") from error


def _sane(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
        raise ConversionError("not a number of sane size")
    return number


def read_integer(value: Json) -> int | None:
    """Whole numbers in any spelling: 12, "12", 12.0."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _MAX_DIGITS:
        return int(value)
    number = read_decimal(value)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise ConversionError("not a whole number")
    return int(number)


def parse_money(value: str | int | Decimal) -> tuple[int, int] | None:
    """Money as (units, nanos), both of one sign, from a number or numeric text."""
    number = read_decimal(value)
    if number is None:
        return None
    try:
        return split_nanos(int(_EXACT.to_integral_exact(_EXACT.multiply(number, NANOS))))
    except Inexact as error:
        raise ConversionError("finer than a billionth") from error


def split_nanos(total: int) -> tuple[int, int]:
    """Billionths of a unit as (units, nanos), both of one sign."""
    units, nanos = divmod(abs(total), NANOS)
    if units >= INT64:
        raise ConversionError("more than a Money holds")
    return (units, nanos) if total >= 0 else (-units, -nanos)


def parse_timestamp(value: str | int | Decimal) -> tuple[int, int] | None:
    """Seconds since the epoch and nanoseconds, from any form of time that 1688 writes.

    Those are yyyy-MM-dd HH:mm:ss, the same in ISO form, yyyyMMddHHmmss[SSS][+0800], and the epoch in
    seconds or milliseconds, as a number or text. Beijing time where no zone stands; blank is None.
    """
    text = str(value).strip()
    if match := _ISO.fullmatch(text):
        day, clock, fraction, zone = match.groups()
        return _moment(f"{day} {clock}", "%Y-%m-%d %H:%M:%S", zone, fraction or "")
    if match := _COMPACT.fullmatch(text):
        digits, millis, zone = match.groups()
        return _moment(digits, "%Y%m%d%H%M%S", zone, millis or "")
    number = read_integer(value)
    if number is None:
        return None
    if number in _EPOCH_SECONDS:
        return number, 0
    if number in _EPOCH_MILLIS:
        return number // 1000, number % 1000 * 10**6
    raise ConversionError("not a time")


def _moment(text: str, form: str, zone: str | None, fraction: str) -> tuple[int, int]:
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=_zone(zone))
    except ValueError as error:
        raise ConversionError("not a time") from error
    seconds = int(moment.timestamp())
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise ConversionError("not a time")
    return seconds, int(fraction.ljust(9, "0"))


def _zone(text: str | None) -> timezone:
    if text is None:
        return BEIJING
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def format_money(units: int, nanos: int) -> str:
    """Money as decimal text, such as 35.9 or 10."""
    whole, fraction = divmod(units * NANOS + nanos, NANOS)
    return f"{whole}.{fraction:09}".rstrip("0").rstrip(".")


def write_fen(units: int, nanos: int) -> int:
    """Money as a whole number of fen."""
    fen, rest = divmod(units * NANOS + nanos, NANOS // 100)
    if rest:
        raise ConversionError("must be a whole number of fen")
    if fen >= INT64:
        raise ConversionError("is more than 1688 takes")
    return fen


def check_amount(currency: str, units: int, nanos: int) -> None:
    """Refuse Money that 1688 cannot take: another currency, a negative or malformed amount."""
    if currency not in ("", "CNY"):
        raise ConversionError("must be in CNY")
    if units < 0 or not 0 <= nanos < NANOS:
        raise ConversionError("must be an amount of at least 0, with nanos from 0 to 999,999,999")


def to_beijing_time(seconds: int, nanos: int) -> datetime:
    """Return the moment in Beijing time."""
    if not 0 <= nanos < NANOS:
        raise ConversionError("must have nanos from 0 to 999,999,999")
    try:
        return datetime.fromtimestamp(seconds, BEIJING).replace(microsecond=nanos // 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise ConversionError("must be a time of the years 1 to 9999") from error
