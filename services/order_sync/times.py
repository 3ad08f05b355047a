"""Times and durations: of the store, of the protos, and of the event loop."""

import asyncio

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

RESPONSE_MARGIN_S = 0.25
"""A call that waits returns this long before its deadline, so that its response arrives in time."""


def to_timestamp(epoch_ms: int) -> Timestamp:
    """Convert a stored time."""
    return Timestamp(seconds=epoch_ms // 1000, nanos=epoch_ms % 1000 * 10**6)


def to_optional_timestamp(epoch_ms: int | None) -> Timestamp | None:
    """Convert a stored time that may be absent."""
    return None if epoch_ms is None else to_timestamp(epoch_ms)


def to_seconds(duration: Duration) -> float:
    """Convert a duration to seconds."""
    return duration.seconds + duration.nanos / 1e9


def limit_wait_s(wait_s: float, deadline: float) -> float:
    """Return how long a call may wait so that it still responds before its deadline (loop time)."""
    remaining_s = deadline - asyncio.get_running_loop().time() - RESPONSE_MARGIN_S
    return max(0.0, min(wait_s, remaining_s))
