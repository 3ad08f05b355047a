"""The call of an operation, its response, and the interfaces of the middleware that both pass through."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec

ParseBody: TypeAlias = Callable[[bytes], Any]
"""Parses the body of a response. Raises ValueError."""


class UpstreamCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an operation of 1688. A middleware that changes it passes on a changed copy.

    A Struct, since each call is copied several times: copying a dataclass takes five times as long.
    """

    api_id: str
    """1688's id of the operation, `namespace:name-version`."""
    form: Mapping[str, str]
    """Form fields, not encoded."""
    files: Mapping[str, bytes]
    """File parts by name."""
    anonymous: bool
    """The call is sent without an access token."""
    idempotent: bool
    """The call may be sent again when an earlier attempt may have been executed."""
    deadline: float
    """In the loop's time."""
    parse: ParseBody | None = None
    """Parses a response with status 200; None uses the gateway's own parser."""
    deadline_fraction: float = 1.0
    """The part of the remaining time that this attempt may take. RetryMiddleware sets it."""
    access_token: str | None = None
    """CredentialsMiddleware sets it, like the next one."""
    clock_offset_ms: int | None = None
    """What to add to our clock for the timestamp; None sends no timestamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamResponse:
    """A readable response of an operation, not a gateway error."""

    value: Any
    """The parsed body, as the call's `parse` returns it."""
    request_id: str
    """1688's id of the request; empty if it gave none."""


class CallNext(Protocol):
    """The rest of the chain: the inner middleware, then the transport."""

    def __call__(self, call: UpstreamCall, /) -> Awaitable[UpstreamResponse]:
        """Return 1688's response. Raises UpstreamError, Overloaded and DeadlineExceeded."""


class Middleware(Protocol):
    """One concern around each call. There is one instance for all operations."""

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Handle the call: pass it to `call_next` as often as needed, or raise."""


MonotonicClock: TypeAlias = Callable[[], float]
"""A clock, in seconds: the running loop's own, except in tests."""
