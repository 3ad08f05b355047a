"""Values of form fields. The value with a large image is never a whole text, but chunks made when needed."""

from collections.abc import Iterable
from typing import TypeAlias

CHUNK_CHARACTERS = 2**17
"""A longer text is signed, encoded and sent in chunks of this many characters."""

FormValue: TypeAlias = str | Iterable[bytes]
"""A text, or the chunks of a long one in UTF-8. The chunks are made again by each iteration over them."""


def iterate_chunks(value: FormValue) -> Iterable[bytes]:
    """Return the value in chunks of UTF-8."""
    if not isinstance(value, str):
        return value
    if len(value) <= CHUNK_CHARACTERS:
        return (value.encode(),)
    starts = range(0, len(value), CHUNK_CHARACTERS)
    return (value[start : start + CHUNK_CHARACTERS].encode() for start in starts)


def to_text(value: FormValue) -> str:
    """Return the whole value."""
    return value if isinstance(value, str) else b"".join(value).decode()
