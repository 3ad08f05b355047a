"""Who calls, as a handler sees it: `caller()` during a call, in the call's task and in those it starts."""

from contextvars import ContextVar
from dataclasses import dataclass

from services.serving.rpc import ServicerContext


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of the current call."""

    identity: str = ""
    """Such as a SPIFFE id; empty where it is not known."""
    _context: ServicerContext | None = None

    def metadata(self, key: str) -> str:
        """The text that came with the call under a key, the first of several; empty where there is none."""
        return metadata(self._context, key) if self._context else ""

    def tell(self, key: str, value: str) -> None:
        """Adds to what a response is followed by (trailing metadata). An error is told without it."""
        if self._context:
            told = self._context.trailing_metadata() or ()
            self._context.set_trailing_metadata((*told, (key, value)))


NOBODY = Caller()
"""Outside a call."""

_current: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


def caller() -> Caller:
    """The caller of the current call; NOBODY where there is none."""
    return _current.get()


def enter(found: Caller) -> None:
    """Makes this the caller of the task's call."""
    _current.set(found)


def metadata(context: ServicerContext, key: str) -> str:
    """The first text under a key of the call's metadata; empty where there is none."""
    for name, value in context.invocation_metadata() or ():
        if name == key and isinstance(value, str):
            return value
    return ""
