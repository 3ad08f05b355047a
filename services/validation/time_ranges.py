"""Finds the durations and times of a request that are too large for an expression of a rule."""

from collections.abc import Iterator
from typing import cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_MAX_DURATION_S = 2**63 // 10**9
"""CEL counts nanoseconds in 64 bits."""
_MIN_TIME_S, _MAX_TIME_S = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999."""
_NANOS_PER_S = 10**9


def find_out_of_range(message: Message, prefix: str = "") -> Iterator[str]:
    """Yield the paths of the durations and times with which no expression can be evaluated."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None or descriptor.message_type.GetOptions().map_entry:
            continue
        elements = enumerate(value) if descriptor.is_repeated else ((None, value),)
        for index, element in elements:
            path = f"{prefix}{descriptor.name}" + ("" if index is None else f"[{index}]")
            name = cast(Descriptor, element.DESCRIPTOR).full_name
            if name == Duration.DESCRIPTOR.full_name:
                is_valid = abs(element.seconds) < _MAX_DURATION_S and abs(element.nanos) < _NANOS_PER_S
            elif name == Timestamp.DESCRIPTOR.full_name:
                is_valid = _MIN_TIME_S <= element.seconds <= _MAX_TIME_S and 0 <= element.nanos < _NANOS_PER_S
            else:
                yield from find_out_of_range(element, f"{path}.")
                continue
            if not is_valid:
                yield path
