"""Compiles the protos' mapping options to encoders of requests and decoders of responses of 1688.

Must not import the gateway or the server. Start reading in operation.py.
"""

from services.adapter.codec.encoder import JsonDates, LookupTables
from services.adapter.codec.operation import (
    DecodeResult,
    Operation,
    Parameters,
    compile_operation,
    compile_service,
)
from services.adapter.codec.option_checks import API_ID, SchemaError
from services.adapter.codec.push_message import DecodeMessage, message_decoder
from services.adapter.codec.schema import LOOKUPS, Dialect, Idempotency
from services.adapter.codec.tolerant_json import Json, parse

__all__ = [
    "API_ID",
    "LOOKUPS",
    "DecodeMessage",
    "DecodeResult",
    "Dialect",
    "Idempotency",
    "Json",
    "JsonDates",
    "LookupTables",
    "Operation",
    "Parameters",
    "SchemaError",
    "compile_operation",
    "compile_service",
    "message_decoder",
    "parse",
]
