"""Parses a period of time, such as `modifyStartTime` and `modifyEndTime`."""

from dataclasses import dataclass

from services.sandbox.controls.clock import floor_to_second
from services.sandbox.http.arguments import Arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period. None: it is open on this side."""

    start_ms: int | None
    end_ms: int | None

    def contains(self, epoch_ms: int) -> bool:
        """Return whether a time is in the period. Both ends belong to it, and reads show full seconds."""
        shown_ms = floor_to_second(epoch_ms)
        return (self.start_ms is None or self.start_ms <= shown_ms) and (
            self.end_ms is None or shown_ms <= self.end_ms
        )


def parse_period(arguments: Arguments, start: str, end: str) -> Period:
    """Return the period between two arguments. Raises InvalidArgument."""
    return Period(start_ms=arguments.time_ms(start), end_ms=arguments.time_ms(end))
