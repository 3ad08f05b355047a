"""The two ways to write the same call."""

from enum import StrEnum


class Dialect(StrEnum):
    """Told by the members that a call brings."""

    NATIONAL_SITE = "national-site"
    OPEN_PLATFORM = "open-platform"
    EITHER = "either"
    """The operation is the same in both."""
