"""The vocabulary of the gateway's layers: a call of an operation, its reply, and the steps in between."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

Parse: TypeAlias = Callable[[bytes], Any]
"""Reads the body of an answer. Raises ValueError."""


class UpstreamCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an operation on its way through the layers; each hands on what it knows.

    A Struct, since layers make new ones of it for every call: a dataclass takes five times as long.
    """

    form: Mapping[str, str]
    """Form fields, not encoded."""
    files: Mapping[str, bytes]
    anonymous: bool
    """No access token is sent."""
    repeatable: bool
    """Whether the call may be sent again when it may have been carried out."""
    deadline: float
    """In the loop's time."""
    parse: Parse | None = None
    """For an answer whose status is 200, where that is not the gateway's own."""
    share: float = 1.0
    """The part of the time left, when it is sent, that an attempt may take. From the layer `retries`."""
    token: str | None = None
    """From the layer `authorised`, like the next one."""
    offset_ms: int | None = None
    """What to add to our clock for the timestamp; None sends none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of an operation: not a gateway error, and readable."""

    value: Any
    """The parsed body, as the call's `parse` gives it."""
    request_id: str
    """1688's id of the request, where it gave one."""


CallNext: TypeAlias = Callable[[UpstreamCall], Awaitable[Reply]]
"""The rest of a call's way: returns 1688's reply, or raises what services/errors.py lists."""

Middleware: TypeAlias = Callable[[str, CallNext], CallNext]
"""Made once per operation (1688's id of it), around the next step."""

MonotonicClock: TypeAlias = Callable[[], float]
"""A clock, in seconds; the running loop's own outside of tests."""
