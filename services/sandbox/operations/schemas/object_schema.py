"""Schemas of JSON objects: the names and types of their members, as data."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.sandbox.http.envelopes import InvalidArgument

TypeCheck = Callable[[Any], bool]
"""Returns whether a value, which is not null, has this type."""

_DATE_TEXT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_COMPACT_DATE = re.compile(r"\d{17}[+-]\d{4}")
_MIN_EPOCH_MS = 100_000_000_000
"""A time in 1973. A lower number was probably sent in seconds."""
_LONGS = range(-(2**63), 2**63)


def is_long(value: Any) -> bool:
    """A Long: a JSON number without a fraction."""
    return isinstance(value, int) and not isinstance(value, bool) and value in _LONGS


def is_id(value: Any) -> bool:
    """A Long that is an id."""
    return is_long(value) and value > 0


def is_amount(value: Any) -> bool:
    """A Long that counts fen or pieces."""
    return is_long(value) and value >= 0


def is_text(value: Any) -> bool:
    """A String that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_digits(value: Any) -> bool:
    """An id as text: in a JSON String, or in a parameter of its own."""
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9]{1,19}", value))


def is_date(value: Any) -> bool:
    """`yyyy-MM-dd HH:mm:ss`, or epoch milliseconds as a number."""
    if not isinstance(value, str):
        return is_long(value) and value >= _MIN_EPOCH_MS
    return bool(_DATE_TEXT.fullmatch(value)) and _is_time(value, "%Y-%m-%d %H:%M:%S")


def is_date_parameter(value: Any) -> bool:
    """A date in a parameter of its own: a form of `is_date` as text, or `yyyyMMddHHmmssSSS+0800`."""
    if not isinstance(value, str):
        return False
    if _COMPACT_DATE.fullmatch(value):
        return _is_time(value[:14], "%Y%m%d%H%M%S")
    return is_date(int(value) if is_digits(value) else value)


def one_of(*words: str | int) -> TypeCheck:
    """Return a check for one of these values, of the same JSON type."""
    return lambda value: any(value == word and type(value) is type(word) for word in words)


def any_of(*checks: TypeCheck) -> TypeCheck:
    """Return a check for any of these types, since docs/upstream shows several."""
    return lambda value: any(check(value) for check in checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSchema:
    """The members of one JSON object. A null member counts as absent."""

    members: Mapping[str, TypeCheck]
    required: tuple[str, ...] = ()
    children: str | None = None
    """The member that lists child objects, if there is one."""
    child_schema: "ObjectSchema | None" = None
    """The schema of the child objects; None: this schema itself."""
    required_without_children: tuple[str, ...] = field(default=())
    """Members that are required only if there are no child objects."""

    def validate(self, value: Any, path: str) -> None:
        """Raise InvalidArgument with the path of the first member that does not match."""
        if not isinstance(value, dict):
            raise InvalidArgument(f"{path}: an object is needed")
        present = {name: member for name, member in value.items() if member is not None}
        children = present.pop(self.children, []) if self.children else []
        if not isinstance(children, list):
            raise InvalidArgument(f"{path}.{self.children}: a list is needed")
        for name in (*self.required, *(() if children else self.required_without_children)):
            if name not in present:
                raise InvalidArgument(f"{path}.{name}: required")
        for name, member in present.items():
            if name not in self.members:
                raise InvalidArgument(f"{path}.{name}: not a member")
            if not self.members[name](member):
                raise InvalidArgument(f"{path}.{name}: not as documented")
        for index, child in enumerate(children):
            (self.child_schema or self).validate(child, f"{path}.{self.children}[{index}]")


def _is_time(value: str, time_format: str) -> bool:
    try:
        datetime.strptime(value, time_format)
    except ValueError:
        return False
    return True
