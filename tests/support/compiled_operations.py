"""The operations of a service, compiled once for all tests of a process."""

from collections.abc import Mapping
from functools import cache

from google.protobuf.descriptor import ServiceDescriptor

from services.adapter.codec import Dialect, JsonDates, Operation, compile_service


@cache
def compile_once(
    service: ServiceDescriptor, dialect: Dialect, dates: JsonDates = JsonDates.TEXT
) -> Mapping[str, Operation]:
    """Return the operations by RPC, as `compile_service` does."""
    return compile_service(service, dialect, dates=dates)
