"""Decoding and validation: what a caller is told of a bad request."""

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.errors import InvalidRequest
from services.server import Endpoint, StartupError
from services.server.interceptors.deserialization import DeserializationInterceptor
from services.server.service_handler import build_service_handler
from services.validation import RequestValidator
from tools import buf_validate

TEXT, MESSAGE = Field.TYPE_STRING, Field.TYPE_MESSAGE
ONE, MANY = Field.LABEL_OPTIONAL, Field.LABEL_REPEATED
REGISTER_USER = "/nationalsite.account.v1.AccountService/RegisterUser"


async def accept(_request, _deadline):
    return b""


def shop(rule):
    """A service Shop/Check whose request holds lines in a list and in a map, each with a ruled `sku`."""
    file = descriptor_pb2.FileDescriptorProto(
        name="shop.proto", package="shop", syntax="proto3", dependency=["buf/validate/validate.proto"]
    )
    line = file.message_type.add(name="Line")
    line.field.add(name="sku", number=1, type=TEXT, label=ONE)
    line.field[0].options.Extensions[buf_validate.field].CopyFrom(rule)  # type: ignore[index] # the stubs of buf.validate do not type extensions
    request = file.message_type.add(name="CheckRequest")
    entry = request.nested_type.add(name="NamedEntry", options={"map_entry": True})
    entry.field.add(name="key", number=1, type=TEXT, label=ONE)
    entry.field.add(name="value", number=2, type=MESSAGE, type_name=".shop.Line", label=ONE)
    request.field.add(name="lines", number=1, type=MESSAGE, type_name=".shop.Line", label=MANY)
    entries = ".shop.CheckRequest.NamedEntry"
    request.field.add(name="named", number=2, type=MESSAGE, type_name=entries, label=MANY)
    shop = file.service.add(name="Shop")
    shop.method.add(name="Check", input_type=".shop.CheckRequest", output_type=".shop.Line")
    pool = descriptor_pool.DescriptorPool()
    for needed in (
        descriptor_pb2.DESCRIPTOR,
        *buf_validate.DESCRIPTOR.dependencies,
        buf_validate.DESCRIPTOR,
    ):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("shop.Shop")


def bad_request(error: grpc.aio.AioRpcError) -> dict[str, str]:
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    for packed in rpc_status.from_call(error).details:
        detail = error_details_pb2.BadRequest()
        if packed.Unpack(detail):
            return {one.field: one.description for one in detail.field_violations}
    raise AssertionError("no BadRequest")


async def test_broken_rules_are_named_by_field(start, buyer):
    buyer.request_id = "no-uuid"
    buyer.country_account.ip = "somewhere"
    buyer.country_account.email = ""
    async with start() as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(buyer)
    assert bad_request(caught.value) == {
        "request_id": "must be a valid UUID",
        "country_account.ip": "must be a valid IP address",
        "country_account": "email or mobile is required",
    }


async def test_nonsense_is_the_callers_error(start, logged):
    async with start() as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.channel.unary_unary(REGISTER_USER)(b"\xff\xffhanako")
    assert bad_request(caught.value) == {"": "not a nationalsite.account.v1.RegisterUserRequest"}
    assert {line["event"] for line in logged()} == {"serving", "audit", "call", "draining", "stopped"}


def test_lists_and_maps_are_named_by_index_and_key():
    descriptor = shop(buf_validate.FieldRules(string=buf_validate.StringRules(min_len=1)))
    request = GetMessageClass(descriptor.methods_by_name["Check"].input_type)()
    request.lines.add(sku="a")
    request.lines.add()
    request.named['the "red" 红'].sku = ""

    validator = RequestValidator("-", type(request))
    with pytest.raises(InvalidRequest) as caught:
        validator.validate(request)
    assert [one.field for one in caught.value.violations] == ["lines[1].sku", r'named["the \"red\" 红"].sku']

    request.lines.extend([type(request.lines[0])()] * 40)
    with pytest.raises(InvalidRequest) as caught:
        validator.validate(request)
    assert len(caught.value.violations) == 20


def test_a_rule_that_does_not_compile_stops_the_start():
    broken = buf_validate.FieldRules(cel=[buf_validate.Rule(id="broken", expression="this +")])
    endpoints = {"Check": Endpoint(handler=accept, operation="")}
    with pytest.raises(StartupError) as caught:
        build_service_handler(shop(broken), endpoints, [DeserializationInterceptor])
    assert caught.value.lines[0].startswith("shop.Shop/Check: a validation rule does not compile")
