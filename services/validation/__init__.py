"""Requests from outside: their size and counts before they are parsed, then the rules of their protos.

Used by the server and the adapter.
"""

from services.validation.nul_characters import reject_nul_characters
from services.validation.request_bounds import RequestBounds, get_request_bounds
from services.validation.validator import RequestValidator

__all__ = ["RequestBounds", "RequestValidator", "get_request_bounds", "reject_nul_characters"]
