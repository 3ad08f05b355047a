"""The interface of RPC handlers, shared by the server, the adapter and the services."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any, Protocol, TypeVar

import msgspec

HandlerT = TypeVar("HandlerT", bound=Callable[..., object])

_LOCAL_FIELDS = "__local_fields__"


class Handler(Protocol):
    """Handles the calls of one RPC.

    If the RPC streams requests, `request` is an async iterator, which raises InvalidRequest for an invalid
    request. If it streams responses, the handler is an async generator: the server resumes it when the
    transport can take another response, and closes it in the task that ran it.

    The handler of one response is an async generator, too, if it has to know whether the response was sent:
    it yields the response, and is resumed only when the transport has taken all of it.
    """

    def __call__(self, request: Any, deadline: float, /) -> Awaitable[bytes] | AsyncGenerator[bytes, None]:
        """Return the serialized response, or a generator of them. Raises the errors of services/errors.py.

        `deadline` is a time of the event loop's clock, `loop.time()`. A stream without one has infinity.
        """


class DialectReport(msgspec.Struct, frozen=True):
    """What is reported to the caller of a request about the dialect of 1688 that serves it."""

    dialect: str
    dropped_fields: Iterable[str]
    """Paths of the request fields that are set and not sent. A path may be repeated."""


DialectReporter = Callable[[Any], DialectReport]
"""Returns the report for a request."""


def uses_local_fields(*paths: str) -> Callable[[HandlerT], HandlerT]:
    """Declare which local request fields (UNMAPPED_FIELD_POLICY_LOCAL) the decorated handler uses."""

    def declare(handler: HandlerT) -> HandlerT:
        setattr(handler, _LOCAL_FIELDS, frozenset(paths))
        return handler

    return declare


def get_local_fields(handler: Handler | None) -> frozenset[str]:
    """Return the local request fields that a handler uses."""
    fields: frozenset[str] = getattr(handler, _LOCAL_FIELDS, frozenset())
    return fields
