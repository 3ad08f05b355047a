"""Descriptors to encoders and decoders: protos on one side, 1688's parameters and replies on the other.

Knows no sockets and no server.
"""

from services.adapter.codec.encoder import JsonDates
from services.adapter.codec.operation import (
    DecodeResult,
    Operation,
    Parameters,
    compile_operation,
    compile_service,
)
from services.adapter.codec.option_checks import API_ID, SchemaError
from services.adapter.codec.push_message import DecodeMessage, message_decoder
from services.adapter.codec.schema import Dialect, Idempotency
from services.adapter.codec.tolerant_json import Json, parse

__all__ = [
    "API_ID",
    "DecodeMessage",
    "DecodeResult",
    "Dialect",
    "Idempotency",
    "Json",
    "JsonDates",
    "Operation",
    "Parameters",
    "SchemaError",
    "compile_operation",
    "compile_service",
    "message_decoder",
    "parse",
]
