"""The call of an operation, its response, and the interfaces of the middleware that both pass through.

What each call creates is a Struct: a frozen dataclass takes five times as long to create, and to copy.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec

from services.adapter.form_value import FormValue

ParseBody: TypeAlias = Callable[[bytes], Any]
"""Parses the body of a response. Raises ValueError."""


class Admission(msgspec.Struct):
    """The admission of one attempt by the circuit breaker of its operation."""

    generation: int
    """The state of the breaker that admitted the attempt: a number that changes with each state."""
    is_recorded: bool = False
    """Whether the breaker has the outcome of the attempt."""


class UpstreamCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an operation of 1688. A middleware does not modify it, but passes on a changed copy."""

    api_id: str
    """1688's id of the operation, `namespace:name-version`."""
    form: Mapping[str, FormValue]
    """Form fields, not encoded."""
    files: Mapping[str, bytes]
    """File parts by name."""
    anonymous: bool
    """The call is sent without an access token."""
    idempotent: bool
    """The call may be sent again when an earlier attempt may have been executed."""
    deadline: float
    """In the event loop's time."""
    queue_owner: Hashable = None
    """The owner of the call in the fair queues of the middleware."""
    parse: ParseBody | None = None
    """Parses a response with status 200; None uses the gateway's own parser."""
    deadline_fraction: float = 1.0
    """The fraction of the remaining time that this attempt may take. RetryMiddleware sets it."""
    access_token: str | None = None
    """None sends no access token. CredentialsMiddleware sets this field and the next one."""
    clock_offset_ms: int | None = None
    """The offset from our clock to the gateway's, for the timestamp; None sends no timestamp."""
    admission: Admission | None = None
    """AdmissionMiddleware sets this field, RecordOutcomeMiddleware uses it."""


class UpstreamResponse(msgspec.Struct, frozen=True, kw_only=True):
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
    """Handles one concern of each call, such as retries. One instance serves all operations."""

    async def __call__(self, call: UpstreamCall, call_next: CallNext) -> UpstreamResponse:
        """Handle the call: pass it to `call_next` as often as needed, or raise."""


MonotonicClock: TypeAlias = Callable[[], float]
"""Returns the time in seconds: the event loop's, except in tests."""
