"""Pages of the searches. 1688 numbers the pages; callers can also use page tokens.

A page token holds the number of its page, the dialect and, for a search by an uploaded image, the id of the
image. It also holds a digest of these and of all other fields of the request, so that the token continues no
other search.
"""

from typing import Any, NamedTuple, TypeAlias

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from nationalsite.product.v1 import (
    SearchByImageRequest,
    SearchByImageResponse,
    SearchByKeywordRequest,
    SearchByKeywordResponse,
)

from services.errors import invalid_page_token
from services.opaque_token import decode_token, digest, encode_token

SearchRequest: TypeAlias = SearchByKeywordRequest | SearchByImageRequest

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 50
MAX_OFFERS = 2000
"""1688 returns no more offers of a search than this."""

_NONE = "-"


class _Position(NamedTuple):
    """Where a search continues."""

    page: int
    dialect: str
    image_id: str
    """Id of the image if the search is by an uploaded image, else _NONE."""
    image_digest: str
    """Digest of the image if the caller sent it with the search, else _NONE."""


class SearchPage:
    """The page of a search that a request is for."""

    def __init__(self, request: SearchRequest, dialect: str) -> None:
        """Set the page's number and size in the request and, if its page token has one, the image id.

        Afterwards the request does not show how the caller chose the page, so equal pages have equal
        requests. Raises InvalidRequest if the page token is not one of this search.
        """
        self._request = request
        self._dialect = dialect
        self._image_digest = _digest_image(request)
        page_token, request.page_token = request.page_token, ""
        request.page = request.page or 1
        request.page_size = min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        if page_token:
            self._continue_at(*_decode(page_token))

    def _continue_at(self, position: _Position, search_digest: str) -> None:
        if position.dialect != self._dialect:
            raise invalid_page_token("is of the other dialect: begin again with the first page")
        self._request.page = position.page
        if isinstance(self._request, SearchByImageRequest) and position.image_id != _NONE:
            source = self._request.WhichOneof("image_source")
            if source is None or (source == "image" and self._image_digest == position.image_digest):
                self._request.image_id = position.image_id
        self._image_digest = position.image_digest
        if search_digest != _digest_search(position, self._request):
            raise invalid_page_token(
                "must be a next_page_token of this search, with all other fields unchanged"
            )

    def build_next_token(self, response: bytes) -> str:
        """Return the token of the next page, "" if there is none. `response` is the one for this page."""
        if not self._has_next(response):
            return ""
        request = type(self._request)()
        request.CopyFrom(self._request)  # type: ignore[arg-type] # it is of the same type
        request.page += 1
        position = _Position(request.page, self._dialect, _get_image_id(request), self._image_digest)
        return encode_token(*position, _digest_search(position, request))

    def _has_next(self, response: bytes) -> bool:
        counts = _COUNTS_CLASSES[type(self._request)].FromString(response)
        offers = self._request.page * self._request.page_size
        if not counts.offers or offers >= MAX_OFFERS:
            return False
        if counts.HasField("total_size"):
            return bool(offers < counts.total_size)
        return len(counts.offers) >= self._request.page_size


def _build_counts_class(response: Descriptor) -> Any:
    """Return a class that parses `offers` and `total_size` of a response, but not what an offer contains."""
    file = FileDescriptorProto(name="search_counts.proto", syntax="proto2")
    message = file.message_type.add(name=response.name)
    optional, repeated = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
    for name, label, type_ in (
        ("offers", repeated, FieldDescriptorProto.TYPE_BYTES),  # on the wire, messages and bytes look alike
        ("total_size", optional, FieldDescriptorProto.TYPE_INT32),
    ):
        number = response.fields_by_name[name].number
        message.field.add(name=name, number=number, label=label, type=type_)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(response.name))


_COUNTS_CLASSES = {
    SearchByKeywordRequest: _build_counts_class(SearchByKeywordResponse.DESCRIPTOR),
    SearchByImageRequest: _build_counts_class(SearchByImageResponse.DESCRIPTOR),
}


def _get_image_id(request: SearchRequest) -> str:
    return (isinstance(request, SearchByImageRequest) and request.image_id) or _NONE


def _digest_image(request: SearchRequest) -> str:
    if isinstance(request, SearchByImageRequest) and request.HasField("image"):
        return digest(request.image)
    return _NONE


def _decode(page_token: str) -> tuple[_Position, str]:
    """Return the position in a token, and the digest of the search. Raises InvalidRequest."""
    try:
        page, dialect, image_id, image_digest, search_digest = decode_token(page_token)
        if str(int(page)) != page or not 1 <= int(page) <= MAX_OFFERS:
            raise ValueError("not the number of a page")
    except ValueError as error:
        raise invalid_page_token("must be a next_page_token of this search") from error
    return _Position(int(page), dialect, image_id, image_digest), search_digest


def _digest_search(position: _Position, request: SearchRequest) -> str:
    """Return the digest of a position and of the request for the page at this position."""
    head = f"{request.DESCRIPTOR.name}:{encode_token(*position)}:"
    return digest(head.encode() + request.SerializeToString(deterministic=True))
