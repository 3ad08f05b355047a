"""Calls 1688's operations: proto messages on one side, signed HTTP requests on the other.

codec/ and gateway/ must not import each other. operations.py uses both, and factory.py builds both. Start
reading in operations.py.
"""

from services.adapter.codec import DecodeResult, Dialect, DroppedFieldFinder, decode_text, message_decoder
from services.adapter.error_words import is_success_code
from services.adapter.factory import operations_lifespan
from services.adapter.gateway import is_push_signed
from services.adapter.operations import OperationClient
from services.adapter.settings import AdapterSettings

__all__ = [
    "AdapterSettings",
    "DecodeResult",
    "Dialect",
    "DroppedFieldFinder",
    "OperationClient",
    "decode_text",
    "is_push_signed",
    "is_success_code",
    "message_decoder",
    "operations_lifespan",
]
