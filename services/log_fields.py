"""Fields that are added to every log line of the current call, and of the tasks that it starts.

structlog's own `contextvars` module has one context variable for each field, and looks at all variables of
the context for each line. Here one variable holds all fields.
"""

from collections.abc import Mapping
from contextvars import ContextVar

from structlog.types import EventDict, WrappedLogger

_fields: ContextVar[Mapping[str, object] | None] = ContextVar("log_fields", default=None)


def bind_log_fields(**fields: object) -> None:
    """Add fields. A task that was started before does not see them."""
    _fields.set({**get_log_fields(), **fields})


def clear_log_fields() -> None:
    """Remove all fields."""
    _fields.set(None)


def get_log_fields() -> Mapping[str, object]:
    """Return the fields. They must not be changed."""
    return _fields.get() or {}


def merge_log_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the fields to an event, as a processor of structlog. Those of the event itself take precedence."""
    return {**get_log_fields(), **event}
