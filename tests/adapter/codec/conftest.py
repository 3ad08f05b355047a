"""Small protos that a test compiles: for options that the real protos do not have, or must not have."""

import itertools
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import google.type
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, timestamp_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.type import decimal_pb2, money_pb2
from grpc_tools import protoc

from services.adapter.codec import Dialect, JsonDates, Operation, compile_service

IMPORTS = (
    Path(__file__).parents[3] / "protos",
    resources.files("grpc_tools") / "_proto",
    Path(google.type.__path__[0]).parents[1],
)
PROTO = """
syntax = "proto3";
package small{number};
import "google/protobuf/timestamp.proto";
import "google/type/decimal.proto";
import "google/type/money.proto";
import "nationalsite/errors/v1/errors.proto";
import "nationalsite/upstream/v1/options.proto";
service Small {{ rpc Call(Request) returns (Response) {{ {option} }} }}
message Request {{ {request} }}
message Response {{ {response} }}
{more}
"""
OPERATION = 'api: "ns:small.call-1"'
REGISTERED_FILES = (timestamp_pb2.DESCRIPTOR, money_pb2.DESCRIPTOR, decimal_pb2.DESCRIPTOR)
"""Imported so that they are in the descriptor pool."""
_numbers = itertools.count()


@pytest.fixture
def service(tmp_path: Path) -> Callable[..., ServiceDescriptor]:
    """Return a function that compiles a service of one RPC, `Call`, with these options and fields."""

    def compile_proto(
        request: str = "", response: str = "", *, operation: str | None = OPERATION, more: str = ""
    ) -> ServiceDescriptor:
        number = next(_numbers)
        name = f"small{number}.proto"
        option = "" if operation is None else f"option (upstream.operation) = {{ {operation} }};"
        text = PROTO.format(number=number, option=option, request=request, response=response, more=more)
        (tmp_path / name).write_text(text.replace("(upstream.", "(nationalsite.upstream.v1."))
        out = tmp_path / "out.binpb"
        paths = [f"--proto_path={path}" for path in (tmp_path, *IMPORTS)]
        assert protoc.main(["protoc", *paths, f"--descriptor_set_out={out}", name]) == 0
        (file,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
        descriptor_pool.Default().Add(file)
        return descriptor_pool.Default().FindServiceByName(f"small{number}.Small")

    return compile_proto


@pytest.fixture
def call(service: Callable[..., ServiceDescriptor]) -> Callable[..., Operation]:
    """Return a function that compiles the operation of such a service."""

    def compile_call(
        request: str = "",
        response: str = "",
        *,
        dialect: Dialect = Dialect.NATIONAL_SITE,
        dates: JsonDates = JsonDates.TEXT,
        **parts: Any,
    ) -> Operation:
        return compile_service(service(request, response, **parts), dialect, dates=dates)["Call"]

    return compile_call
