"""JSON as 1688 writes it: integers stay whole, decimals stay exact, comments are forgiven."""

import re
from decimal import Decimal
from typing import TypeAlias

import msgspec

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | Decimal | bool | None
"""A parsed value. A number with a fraction or an exponent is a Decimal, never a float."""

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*"|//[^\n]*')


def parse(text: bytes | str) -> Json:
    """Parse strictly, then once more without `//` comments. Raises ValueError where both fail."""
    data = text.encode() if isinstance(text, str) else text
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return _decode(data)
    except ValueError:
        if b"//" not in data:
            raise
    return _decode(_COMMENT.sub(_keep_strings, data))


def dump(value: object) -> str:
    """Compact JSON text with raw UTF-8, the form in which requests are signed and sent."""
    return msgspec.json.encode(value).decode()


def _decode(data: bytes) -> Json:
    try:
        value: Json = _DECODER.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _keep_strings(match: re.Match[bytes]) -> bytes:
    found = match.group()
    return found if found.startswith(b'"') else b""
