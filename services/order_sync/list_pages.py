"""Pages of lists that 1688 numbers, and of which callers see page tokens only.

A page token holds the number of its page, the part of the list (0, or 1 for 1688's archive) and how many
elements the previous pages of this part had. It also holds a digest of all other fields of the request, so
that the token continues no other list.
"""

from typing import Any, NamedTuple

from services.errors import invalid_page_token
from services.opaque_token import decode_numbers, decode_token, digest, encode_token

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 100
MAX_PAGE = 1_000_000
"""Maximum number of a page in a token."""
CURRENT, ARCHIVE = 0, 1
"""The parts of a list."""


class _Position(NamedTuple):
    """Where a list continues."""

    page: int
    part: int
    seen: int
    """Number of elements on the previous pages of the part."""


class ListPage:
    """The page of a list that a request is for.

    The request has the fields `page_size` and `page_token`.
    """

    def __init__(self, request: Any, *, first_page: int, is_first_page_certain: bool = True) -> None:
        """Set the size of the page in the request, and put its number in the place of the page token.

        `first_page` is 1688's number of the first page. If it is not certain, 1688 may count from 1: then
        the pages 0 and 1 are the same. Raises InvalidRequest if the page token is not one of this list.
        """
        page_token, request.page_token = request.page_token, ""
        request.page_size = min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        self._page_size: int = request.page_size
        self._first_page = first_page
        self._is_first_page_certain = is_first_page_certain
        self._digest = _digest_request(request)
        self._position = self._decode(page_token) if page_token else _Position(first_page, CURRENT, 0)
        if page_token:
            request.page_token = str(self._position.page)

    @property
    def part(self) -> int:
        """CURRENT or ARCHIVE."""
        return self._position.part

    def build_next_token(self, count: int, total: int | None, *, has_archive: bool = False) -> str:
        """Return the token of the next page, "" if there is none.

        `count` is the number of elements on this page, `total` that of the part, None if 1688 does not say
        it. `has_archive`: whether the list continues with the archive.
        """
        page, part, seen = self._position
        seen += count
        if count and self._has_more(count, seen, total):
            return self._encode(_Position(page + 1, part, seen))
        if has_archive and part == CURRENT:
            return self._encode(_Position(self._first_page, ARCHIVE, 0))
        return ""

    def _has_more(self, count: int, seen: int, total: int | None) -> bool:
        is_full = count >= self._page_size
        if total is None:
            return is_full
        if self._is_first_page_certain:
            return seen < total
        # One page may have come twice.
        return seen < total + self._page_size and (is_full or seen < total)

    def _encode(self, position: _Position) -> str:
        return encode_token(*position, self._digest)

    def _decode(self, page_token: str) -> _Position:
        try:
            *numbers, request_digest = decode_token(page_token)
            page, part, seen = decode_numbers(encode_token(*numbers), len(_Position._fields))
            is_position = self._first_page <= page <= MAX_PAGE and part in (CURRENT, ARCHIVE)
            if request_digest != self._digest or not is_position:
                raise ValueError("not a token of this list")
        except ValueError as error:
            raise invalid_page_token(
                "must be a next_page_token of this list, with all other fields unchanged"
            ) from error
        return _Position(page, part, seen)


def _digest_request(request: Any) -> str:
    return digest(f"{request.DESCRIPTOR.name}:".encode() + request.SerializeToString(deterministic=True))
