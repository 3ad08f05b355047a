"""Opaque tokens: texts that callers get and send back unchanged, such as page tokens and ack ids."""

import base64
from collections.abc import Sequence
from hashlib import blake2b

_VERSION = "1"


def encode_token(*parts: object) -> str:
    """Return the token of some parts, whose texts must not be empty or contain a colon."""
    text = ":".join((_VERSION, *map(str, parts)))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(token: str) -> Sequence[str]:
    """Return the parts of a token. Raises ValueError for any other text."""
    padded = token + "=" * (-len(token) % 4)
    version, *parts = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(":")
    if version != _VERSION or not all(parts) or encode_token(*parts) != token:
        raise ValueError("not a token")
    return parts


def decode_numbers(token: str, count: int) -> Sequence[int]:
    """Return the parts of a token that consists of `count` numbers. Raises ValueError for any other text."""
    numbers = [int(part) for part in decode_token(token)]
    is_canonical = encode_token(*numbers) == token
    if not is_canonical or len(numbers) != count or not all(0 <= number < 2**63 for number in numbers):
        raise ValueError("not a token of these numbers")
    return numbers


def digest(content: bytes) -> str:
    """Return a digest of what a token belongs to, such as the request, as a part of the token."""
    return blake2b(content, digest_size=12).hexdigest()
