"""The adapter layer: proto messages on one side, the signed conversation with 1688 on the other.

codec/ and gateway/ do not know each other; operations.py speaks through both, opening.py puts them together.
"""

from services.adapter.codec import Dialect
from services.adapter.opening import open_operations
from services.adapter.operations import Function, Operations
from services.adapter.settings import AdapterSettings

__all__ = ["AdapterSettings", "Dialect", "Function", "Operations", "open_operations"]
