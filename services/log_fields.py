"""Fields that are added to every log line of the current call, and of the tasks that it starts.

structlog's own `contextvars` module has one context variable for each field, and looks at all variables of
the context for each line. Here one variable holds all fields.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

_fields: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=MappingProxyType({}))


def bind_log_fields(**fields: object) -> None:
    """Add fields. A task that was started before does not see them."""
    _fields.set({**get_log_fields(), **fields})


def set_log_fields(**fields: object) -> None:
    """Set the fields, in place of all that were there before."""
    _fields.set(fields)


def clear_log_fields() -> None:
    """Remove all fields."""
    set_log_fields()


def get_log_fields() -> Mapping[str, object]:
    """Return the fields. They must not be changed."""
    return _fields.get()
