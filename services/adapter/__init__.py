"""Calls 1688's operations: proto messages on one side, signed HTTP requests on the other.

codec/ and gateway/ must not import each other. operations.py uses both, factory.py builds them; start
reading in operations.py.
"""

from services.adapter.codec import DecodeResult, Dialect, message_decoder
from services.adapter.factory import operations_lifespan
from services.adapter.gateway import is_push_signed
from services.adapter.operations import OperationClient
from services.adapter.settings import AdapterSettings

__all__ = [
    "AdapterSettings",
    "DecodeResult",
    "Dialect",
    "OperationClient",
    "is_push_signed",
    "message_decoder",
    "operations_lifespan",
]
