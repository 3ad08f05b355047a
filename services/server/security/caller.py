"""The caller of the current call, in the call's task and in the tasks that it starts."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller."""

    identity: str = ""
    """Such as a SPIFFE id; empty if it is not known."""


ANONYMOUS = Caller()
"""A caller without an identity."""

_current: ContextVar[Caller] = ContextVar("caller", default=ANONYMOUS)


def current_caller() -> Caller:
    """Return the caller of the current call; ANONYMOUS outside a call."""
    return _current.get()


def set_caller(caller: Caller) -> None:
    """Set the caller of the current call."""
    _current.set(caller)
