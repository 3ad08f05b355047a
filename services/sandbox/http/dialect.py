"""The dialects of 1688: two forms of the same API."""

from enum import StrEnum


class Dialect(StrEnum):
    """The gateway recognises the dialect of a call by its parameters."""

    NATIONAL_SITE = "national-site"
    OPEN_PLATFORM = "open-platform"
    EITHER = "either"
    """The operation has the same form in both."""
