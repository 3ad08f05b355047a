"""Pages of a list. Most lists are sorted by descending sequence number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Generic, TypeVar

from services.errors import invalid_page_token
from services.opaque_token import decode_numbers, encode_token

T = TypeVar("T")

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 1000
MAX_PAGE_BYTES = 3 * 1024 * 1024
"""Maximum size of a response: gRPC's clients accept 4 MiB by default. A single item may be larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list."""

    items: Sequence[T]
    next_page_token: str
    """Empty on the last page."""


def clamp_page_size(page_size: int) -> int:
    """Return the page size to use: the default for 0 or less, and never more than the maximum."""
    return min(page_size, MAX_PAGE_SIZE) if page_size > 0 else DEFAULT_PAGE_SIZE


def count_fitting(sizes: Iterable[int]) -> int:
    """Return how many items with these sizes in bytes one response can hold; at least 1."""
    totals = accumulate(sizes)
    return max(1, sum(1 for _ in takewhile(lambda total: total <= MAX_PAGE_BYTES, totals)))


def encode_page_token(seq: int) -> str:
    """Return the token of the page of items with lower sequence numbers than this one."""
    return encode_token(seq)


def decode_page_token(page_token: str) -> int | None:
    """Return the sequence number of a token; None for the first page. Raises InvalidRequest."""
    if not page_token:
        return None
    try:
        (seq,) = decode_numbers(page_token, 1)
    except ValueError as error:
        raise invalid_page_token() from error
    return seq
