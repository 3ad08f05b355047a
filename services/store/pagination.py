"""Pages of a list, sorted by descending sequence number. Page tokens are opaque to callers."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.errors import InvalidRequest, Violation

T = TypeVar("T")

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list."""

    items: Sequence[T]
    next_page_token: str
    """Empty on the last page."""


def clamp_page_size(page_size: int) -> int:
    """Return the number of items of a page. 0 or less means the default; the maximum applies."""
    return min(page_size, MAX_PAGE_SIZE) if page_size > 0 else DEFAULT_PAGE_SIZE


def encode_page_token(seq: int) -> str:
    """Return the token of the page that begins below a sequence number."""
    return base64.urlsafe_b64encode(b"1:%d" % seq).decode().rstrip("=")


def decode_page_token(page_token: str) -> int | None:
    """Return the sequence number of a token; None for the first page. Raises InvalidRequest."""
    if not page_token:
        return None
    try:
        padded = page_token + "=" * (-len(page_token) % 4)
        version, number = base64.b64decode(padded, altchars=b"-_", validate=True).split(b":")
        seq = int(number)
        if version != b"1" or encode_page_token(seq) != page_token or not 0 <= seq < 2**63:
            raise ValueError("not a page token")
    except (ValueError, binascii.Error) as error:
        raise InvalidRequest(
            [Violation(field="page_token", description="must be a next_page_token of this list")]
        ) from error
    return seq
