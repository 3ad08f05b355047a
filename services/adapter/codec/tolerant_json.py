"""JSON as 1688 writes it: numbers stay exact, comments are removed, broken characters are replaced.

A text that is not UTF-8 is read as GB18030, which includes GBK. A text in UTF-8 with single broken characters
stays UTF-8: 1688 cuts titles inside an emoji.

Of members of one object with the same name, the last one counts, as in most parsers.
"""

import json
import re
from collections import Counter
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import msgspec
import structlog


class _DuplicateMember(ValueError):
    """An object has two members of the same name."""


Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | Decimal | bool | None
"""A parsed value. A number with a fraction or an exponent is a Decimal, never a float."""

MAX_VALUES = 250_000
"""Of a text. A page of a hundred orders has some ten thousand; reading a value takes some 3 us."""

# Possessive quantifiers: no text makes these expressions backtrack for a long time.
_STRING_OR_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*+"?|//[^\n]*', re.DOTALL)
"""A comment, or a string, in which `//` does not start a comment."""
_SURROGATE = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(" + _SURROGATE + rb")|\\.", re.DOTALL)
"""A pair of surrogates, a single surrogate (group 1), or any other escape."""
_NAME_END = re.compile(rb'"[ \t\r\n]*:')
_BOM = b"\xef\xbb\xbf"
_TAIL = rb"[\x80-\xbf]"
_NOT_ASCII = re.compile(
    rb"(?P<whole>[\xc2-\xdf]T|[\xe0-\xef]T{2}|[\xf0-\xf4]T{3})"
    rb"|(?P<cut>[\xc2-\xf4]T{0,2}(?![\x80-\xff]))"
    rb"|(?P<foreign>[\x80-\xff])".replace(b"T", _TAIL)
)
"""A character of UTF-8 (or half a pair of surrogates), one that was cut off, or a byte of another charset."""

_log = structlog.get_logger()


def parse(text: bytes | str) -> Json:
    """Parse strictly; if that fails, repair the text and parse again.

    Raises ValueError, also if there may be more than MAX_VALUES.
    """
    return _parse(text)[0]


def count_values(text: bytes) -> int:
    """Return at least the number of values in a text: that of commas and opening brackets."""
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")


def has_more_values(text: bytes, limit: int) -> bool:
    """Whether `count_values` is above a limit. A text is not searched if it is too short for that."""
    return len(text) >= limit and count_values(text) > limit


def parse_unique(text: bytes | str) -> Json:
    """Parse a text, and raise ValueError too if an object in it has two members of the same name.

    JSON text in a string counts as part of the text, because it may be read as such.
    """
    value, parsed = _parse(text)
    # Without escapes, only names end with a quote before a colon, and no string contains JSON with names.
    if b"\\" in parsed or len(_NAME_END.findall(parsed)) != _count_members(value):
        _check_members(parsed)
    return value


def _parse(text: bytes | str) -> tuple[Json, bytes]:
    """Return the value, and the text that was parsed: it may have been repaired."""
    data = text.encode() if isinstance(text, str) else text
    if has_more_values(data, MAX_VALUES):
        raise ValueError("too many values")
    data = data.removeprefix(_BOM)
    try:
        return _decode(data), data
    except ValueError:
        repaired = _repair(data)
        if repaired == data:
            raise
    return _decode(repaired), repaired


def _count_members(value: Json) -> int:
    """Return the number of members of all objects in a value."""
    count, values = 0, [value]
    for each in values:  # also those that are appended
        if isinstance(each, dict):
            count += len(each)
            values.extend(each.values())
        elif isinstance(each, list):
            values.extend(each)
    return count


def _check_members(text: bytes | str) -> None:
    """Raise ValueError if a name occurs twice; JSONDecodeError if the text is not JSON."""
    try:
        # Only names matter. Python would take long for numbers of many digits.
        json.loads(text, object_pairs_hook=_check_pairs, parse_int=str, parse_float=str)
    except (UnicodeDecodeError, RecursionError) as error:
        raise json.JSONDecodeError("neither UTF-8 nor flat", "", 0) from error


def _check_pairs(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _DuplicateMember("two members of the same name")
    for _, value in pairs:
        _check_texts(value)


def _check_texts(value: object) -> None:
    if isinstance(value, list):
        for element in value:
            _check_texts(element)
    elif isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        with suppress(json.JSONDecodeError):  # it is no JSON, but any other text
            _check_members(value)


def dump(value: object) -> str:
    """Return compact JSON text without escapes for non-ASCII: the form that is signed and sent."""
    return dump_bytes(value).decode()


def dump_bytes(value: object) -> bytes:
    """Return the text of `dump` in UTF-8. Values of type bytes become base64."""
    return _ENCODER.encode(value)


def _decode(data: bytes) -> Json:
    try:
        value: Json = _DECODER.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def decode_text(data: bytes) -> str:
    """Decode text in UTF-8 or GB18030. Characters of UTF-8 that are broken become U+FFFD.

    Raises ValueError if the text is in neither.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        kinds = Counter(match.lastgroup for match in _NOT_ASCII.finditer(data))
    if kinds["foreign"] > kinds["whole"]:
        return data.decode("gb18030")
    return data.decode(errors="replace")


def _repair(data: bytes) -> bytes:
    """Remove `//` comments, convert to UTF-8, and replace broken characters by U+FFFD, which is logged."""
    text = decode_text(data)
    repaired = text.encode()
    repaired = _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], repaired)
    repaired = _STRING_OR_COMMENT.sub(lambda match: match[0] if match[0].startswith(b'"') else b"", repaired)
    if broken := repaired.count(b"\\ufffd") + repaired.count("\ufffd".encode()):
        _log.warning("broken_characters_replaced", count=broken)
    return repaired


def to_decimal(number: str) -> Decimal | str:
    """Return a number with a fraction or an exponent. One that does not fit into a Decimal stays text."""
    try:
        return Decimal(number)
    except InvalidOperation:
        return number


_DECODER = msgspec.json.Decoder(float_hook=to_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
