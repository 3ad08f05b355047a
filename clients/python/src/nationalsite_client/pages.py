"""The pages of a list or a search, as an iterator."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from nationalsite_client.retries import UnaryMethod


class Page(Protocol):
    """The response of a list or a search."""

    @property
    def next_page_token(self) -> str:
        """The token of the next page, empty on the last one."""


_RequestT = TypeVar("_RequestT", bound=Message)
_PageT = TypeVar("_PageT", bound=Page)


def iterate_pages(
    method: UnaryMethod[_RequestT, _PageT], request: _RequestT, *, timeout: float
) -> Iterator[_PageT]:
    """Yield the pages of a list or a search, from the one that the request is for.

    Each page is read when it is needed, with a timeout of `timeout` seconds. The request stays as it is. The
    image of a search is sent once: the page token stands for it.
    """
    while True:
        page = method(request, timeout=timeout)
        yield page
        if not page.next_page_token:
            return
        request = _build_next_request(request, page.next_page_token)


async def iterate_pages_async(
    method: UnaryMethod[_RequestT, Awaitable[_PageT]],
    request: _RequestT,
    *,
    timeout: float,  # noqa: ASYNC109 # gRPC's deadline, which the service gets
) -> AsyncIterator[_PageT]:
    """Do the same with a stub on a channel of grpc.aio."""
    while True:
        page = await method(request, timeout=timeout)
        yield page
        if not page.next_page_token:
            return
        request = _build_next_request(request, page.next_page_token)


def _build_next_request(request: _RequestT, page_token: str) -> _RequestT:
    """Return the request for the next page. The token replaces the number of the page and the image."""
    next_request: Any = type(request)()
    next_request.CopyFrom(request)
    for name in {"image", "page"} & set(request.DESCRIPTOR.fields_by_name):
        next_request.ClearField(name)
    next_request.page_token = page_token
    return next_request  # type: ignore[no-any-return] # it has the type of the request
