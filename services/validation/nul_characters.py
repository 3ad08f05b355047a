"""Rejects texts with U+0000: PostgreSQL cannot store them, and SQLite cuts them in some functions."""

from itertools import islice

from google.protobuf.message import Message

from services.errors import InvalidRequest, Violation
from services.validation.field_values import iterate_values

NUL = "\0"
_MAX_VIOLATIONS = 20


def reject_nul_characters(request: Message) -> None:
    """Raise InvalidRequest with the fields, up to 20, if a text of the request contains U+0000.

    Fields of the type `bytes` may contain it.
    """
    paths = (path for path, value in iterate_values(request) if isinstance(value, str) and NUL in value)
    # The words of protovalidate for such a rule. Its rules would have to be repeated at each text.
    violations = [
        Violation(field=path, description="must not contain U+0000", reason="STRING_NOT_CONTAINS")
        for path in islice(paths, _MAX_VIOLATIONS)
    ]
    if violations:
        raise InvalidRequest(violations)
