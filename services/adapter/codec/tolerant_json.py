"""JSON as 1688 writes it: integers and decimals stay exact, comments and broken characters are repaired."""

import re
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import msgspec

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | Decimal | bool | None
"""A parsed value. A number with a fraction or an exponent is a Decimal, never a float."""

# Possessive quantifiers: no text makes these expressions backtrack for a long time.
_STRING_OR_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*+"?|//[^\n]*', re.DOTALL)
"""A comment, or a string, in which `//` does not start a comment."""
_SURROGATE = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(" + _SURROGATE + rb")|\\.", re.DOTALL)
"""A pair of surrogates, a single surrogate (group 1), or any other escape."""
_BOM = b"\xef\xbb\xbf"


def parse(text: bytes | str) -> Json:
    """Parse strictly; if that fails, repair the text and parse again. Raises ValueError."""
    data = text.encode() if isinstance(text, str) else text
    data = data.removeprefix(_BOM)
    try:
        return _decode(data)
    except ValueError:
        repaired = _repair(data)
        if repaired == data:
            raise
    return _decode(repaired)


def dump(value: object) -> str:
    """Return compact JSON text without escapes for non-ASCII: the form that is signed and sent."""
    return dump_bytes(value).decode()


def dump_bytes(value: object) -> bytes:
    """Return the same in UTF-8. Bytes become base64."""
    return _ENCODER.encode(value)


def _decode(data: bytes) -> Json:
    try:
        value: Json = _DECODER.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _repair(data: bytes) -> bytes:
    """Remove `//` comments, and replace broken characters by U+FFFD: 1688 cuts titles inside an emoji."""
    repaired = data.decode(errors="replace").encode()
    repaired = _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], repaired)
    return _STRING_OR_COMMENT.sub(lambda match: match[0] if match[0].startswith(b'"') else b"", repaired)


def to_decimal(number: str) -> Decimal | str:
    """Return a number with a fraction or an exponent. One that does not fit into a Decimal stays text."""
    try:
        return Decimal(number)
    except InvalidOperation:
        return number


_DECODER = msgspec.json.Decoder(float_hook=to_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
