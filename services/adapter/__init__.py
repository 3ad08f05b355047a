"""The adapter layer: proto messages on one side, the signed conversation with 1688 on the other.

codec/ and gateway/ do not know each other; operations.py speaks through both, opening.py puts them together.
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
