"""Finds the durations and times of a request that are too large for an expression of a rule."""

from collections.abc import Iterator
from typing import Any, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.validation.field_values import iterate_values

_MAX_DURATION_S = 2**63 // 10**9
"""CEL counts nanoseconds in 64 bits."""
_MIN_TIME_S, _MAX_TIME_S = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999."""
_NANOS_PER_S = 10**9


def find_out_of_range(request: Message) -> Iterator[str]:
    """Yield the paths of the durations and times with which no expression can be evaluated."""
    return (path for path, value in iterate_values(request) if not _is_in_range(value))


def _is_in_range(value: Any) -> bool:
    """Return True for what is no duration or time, too."""
    name = cast(Descriptor, value.DESCRIPTOR).full_name if isinstance(value, Message) else ""
    if name == Duration.DESCRIPTOR.full_name:
        return bool(abs(value.seconds) < _MAX_DURATION_S and abs(value.nanos) < _NANOS_PER_S)
    if name == Timestamp.DESCRIPTOR.full_name:
        return bool(_MIN_TIME_S <= value.seconds <= _MAX_TIME_S and 0 <= value.nanos < _NANOS_PER_S)
    return True
