"""Compiles the protos' mapping options to encoders of requests and decoders of responses of 1688.

Must not import the gateway or the server. Start reading in operation.py.
"""

from services.adapter.codec.dropped_fields import DroppedFieldFinder
from services.adapter.codec.encoder import JsonDates, LookupTables
from services.adapter.codec.member_comparison import MemberDifferences
from services.adapter.codec.operation import (
    DecodeResult,
    Operation,
    Parameters,
    compile_operation,
    compile_service,
)
from services.adapter.codec.option_checks import API_ID, NO_OPERATION, SchemaError
from services.adapter.codec.push_message import DecodeMessage, message_decoder
from services.adapter.codec.schema import LOOKUPS, Dialect, Idempotency
from services.adapter.codec.tolerant_json import Json, decode_text, has_more_values, parse

__all__ = [
    "API_ID",
    "LOOKUPS",
    "NO_OPERATION",
    "DecodeMessage",
    "DecodeResult",
    "Dialect",
    "DroppedFieldFinder",
    "Idempotency",
    "Json",
    "JsonDates",
    "LookupTables",
    "MemberDifferences",
    "Operation",
    "Parameters",
    "SchemaError",
    "compile_operation",
    "compile_service",
    "decode_text",
    "has_more_values",
    "message_decoder",
    "parse",
]
