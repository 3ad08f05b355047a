"""The adapter layer: proto messages on one side, the signed conversation with 1688 on the other.

codec/ and gateway/ do not know each other; operations.py speaks through both, opening.py puts them together.
"""

from services.adapter.codec import Decoded, Dialect, message_decoder
from services.adapter.gateway import is_push_signed
from services.adapter.opening import open_operations
from services.adapter.operations import Function, Operations
from services.adapter.settings import AdapterSettings

__all__ = [
    "AdapterSettings",
    "Decoded",
    "Dialect",
    "Function",
    "Operations",
    "is_push_signed",
    "message_decoder",
    "open_operations",
]
