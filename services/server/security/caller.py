"""Who calls, as a handler sees it: `caller()` during a call, in the call's task and in those it starts."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of the current call."""

    identity: str = ""
    """Such as a SPIFFE id; empty where it is not known."""


ANONYMOUS = Caller()
"""Outside a call."""

_current: ContextVar[Caller] = ContextVar("caller", default=ANONYMOUS)


def current_caller() -> Caller:
    """The caller of the current call; NOBODY where there is none."""
    return _current.get()


def set_caller(found: Caller) -> None:
    """Makes this the caller of the task's call."""
    _current.set(found)
