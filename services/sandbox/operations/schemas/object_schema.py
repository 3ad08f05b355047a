"""What a JSON object of a sync may hold: the names and types of its members, as data."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.sandbox.http.envelopes import BadArgument

Kind = Callable[[Any], bool]
"""Whether a value, which is not null, is of this kind."""

_DATE_TEXT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_COMPACT_DATE = re.compile(r"\d{17}[+-]\d{4}")
_EARLIEST_MS = 100_000_000_000
"""In 1973: what is less were seconds."""
_LONGS = range(-(2**63), 2**63)


def long(value: Any) -> bool:
    """A Long: a JSON number without a fraction."""
    return isinstance(value, int) and not isinstance(value, bool) and value in _LONGS


def identifier(value: Any) -> bool:
    """A Long that is an id."""
    return long(value) and value > 0


def amount(value: Any) -> bool:
    """A Long that counts fen, or pieces."""
    return long(value) and value >= 0


def text(value: Any) -> bool:
    """A String that says something."""
    return isinstance(value, str) and bool(value.strip())


def digits(value: Any) -> bool:
    """An id as a String, or as a parameter of its own, where everything is text."""
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9]{1,19}", value))


def date(value: Any) -> bool:
    """`yyyy-MM-dd HH:mm:ss`, or epoch milliseconds as a number."""
    if not isinstance(value, str):
        return long(value) and value >= _EARLIEST_MS
    return bool(_DATE_TEXT.fullmatch(value)) and _is_time(value, "%Y-%m-%d %H:%M:%S")


def date_parameter(value: Any) -> bool:
    """A date as a parameter of its own: either form of `date` in text, or `yyyyMMddHHmmssSSS+0800`."""
    if not isinstance(value, str):
        return False
    if _COMPACT_DATE.fullmatch(value):
        return _is_time(value[:14], "%Y%m%d%H%M%S")
    return date(int(value) if digits(value) else value)


def one_of(*words: str | int) -> Kind:
    """One of these words, in this JSON type."""
    return lambda value: any(value == word and type(value) is type(word) for word in words)


def either(*kinds: Kind) -> Kind:
    """Any of these kinds, where the reference itself shows more than one."""
    return lambda value: any(kind(value) for kind in kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The members of one JSON object. A member that is null is a member that is not there."""

    members: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    parts: str | None = None
    """The member that lists further objects, if any."""
    part: "Record | None" = None
    """What those objects hold; None = the same as this one."""
    instead_of_parts: tuple[str, ...] = field(default=())
    """The members that are required if no further objects are listed."""

    def check(self, value: Any, path: str) -> None:
        """Raises BadArgument that names the member which is not as documented."""
        if not isinstance(value, dict):
            raise BadArgument(f"{path}: an object is needed")
        present = {name: member for name, member in value.items() if member is not None}
        parts = present.pop(self.parts, []) if self.parts else []
        if not isinstance(parts, list):
            raise BadArgument(f"{path}.{self.parts}: a list is needed")
        for name in (*self.required, *(() if parts else self.instead_of_parts)):
            if name not in present:
                raise BadArgument(f"{path}.{name}: required")
        for name, member in present.items():
            if name not in self.members:
                raise BadArgument(f"{path}.{name}: not a member")
            if not self.members[name](member):
                raise BadArgument(f"{path}.{name}: not as documented")
        for number, part in enumerate(parts):
            (self.part or self).check(part, f"{path}.{self.parts}[{number}]")


def _is_time(value: str, pattern: str) -> bool:
    try:
        datetime.strptime(value, pattern)
    except ValueError:
        return False
    return True
