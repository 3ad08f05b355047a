"""Values of form fields. The value with a large image is never a whole text, but chunks made when needed."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias, TypeGuard

CHUNK_CHARACTERS = 2**17
"""A longer text is signed, encoded and sent in chunks of this many characters."""
MAX_SHORT_CHARACTERS = 4096
"""Of a form that is signed and encoded as a whole."""

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


def is_short(parameters: Mapping[str, FormValue]) -> TypeGuard[Mapping[str, str]]:
    """Whether all values of a form are texts, so short that they need no chunks."""
    texts = [value for value in parameters.values() if isinstance(value, str)]
    return len(texts) == len(parameters) and sum(map(len, texts)) < MAX_SHORT_CHARACTERS


def to_text(value: FormValue) -> str:
    """Return the whole value."""
    return value if isinstance(value, str) else b"".join(value).decode()
