"""Descriptors to encoders and decoders: protos on one side, 1688's parameters and replies on the other.

Knows no sockets and no server.
"""

from services.adapter.codec.contradictions import API_ID, SpecificationError
from services.adapter.codec.lenient import Json, parse
from services.adapter.codec.message import DecodeMessage, message_decoder
from services.adapter.codec.operation import (
    Decoded,
    Operation,
    Parameters,
    compile_operation,
    compile_service,
)
from services.adapter.codec.specification import Dialect, Level
from services.adapter.codec.writing import JsonDates

__all__ = [
    "API_ID",
    "DecodeMessage",
    "Decoded",
    "Dialect",
    "Json",
    "JsonDates",
    "Level",
    "Operation",
    "Parameters",
    "SpecificationError",
    "compile_operation",
    "compile_service",
    "message_decoder",
    "parse",
]
