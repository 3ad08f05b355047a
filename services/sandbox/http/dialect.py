"""The dialects: the two variants of 1688's APIs."""

from enum import StrEnum


class Dialect(StrEnum):
    """A dialect. The gateway recognizes the dialect of a call by the parameters of the call."""

    NATIONAL_SITE = "national-site"
    OPEN_PLATFORM = "open-platform"
    BOTH = "both"
    """The operation is the same in both dialects."""
