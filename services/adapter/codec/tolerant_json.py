"""JSON as 1688 writes it: integers stay whole, decimals stay exact, comments and torn text are forgiven."""

import re
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import msgspec

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | Decimal | bool | None
"""A parsed value. A number with a fraction or an exponent is a Decimal, never a float."""

_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*+"?|//[^\n]*', re.DOTALL)
"""A comment, or a text, in which `//` begins none; possessive, so that no text takes long to tell."""
_HALF = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(" + _HALF + rb")|\\.", re.DOTALL)
"""A character in two halves, a half without the other, or any other escape."""


def parse(text: bytes | str) -> Json:
    """Parse strictly, then once more as `_mended`. Raises ValueError where both fail."""
    data = text.encode() if isinstance(text, str) else text
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return _decode(data)
    except ValueError:
        mended = _repair(data)
        if mended == data:
            raise
    return _decode(mended)


def dump(value: object) -> str:
    """Compact JSON text with raw UTF-8, the form in which requests are signed and sent."""
    return dump_bytes(value).decode()


def dump_bytes(value: object) -> bytes:
    """Return the same in UTF-8. What is bytes becomes base64."""
    return _ENCODER.encode(value)


def _decode(data: bytes) -> Json:
    try:
        value: Json = _DECODER.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _repair(data: bytes) -> bytes:
    """Leave out `//` comments, and put U+FFFD for torn characters: a title cut amid an emoji is common."""
    whole = data.decode(errors="replace").encode()
    whole = _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], whole)
    return _COMMENT.sub(lambda match: match[0] if match[0].startswith(b'"') else b"", whole)


def parse_decimal(number: str) -> Decimal | str:
    """A number with a fraction or an exponent; one that no Decimal can hold stays text."""
    try:
        return Decimal(number)
    except InvalidOperation:
        return number


_DECODER = msgspec.json.Decoder(float_hook=parse_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
