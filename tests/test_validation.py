"""The validation of requests by the rules of their proto."""

from functools import partial

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message_factory import GetMessageClass
from nationalsite.ordersync import v1 as protos

from services.errors import ErrorOrigin, InvalidRequest
from services.server import Endpoint, StartupError
from services.server.interceptors.deserialization import DeserializationInterceptor
from services.server.request_memory import RequestMemory
from services.server.service_handler import build_service_handler
from services.validation import RequestValidator, buf_validate
from tests.server.shop_server import accept

TEXT, MESSAGE = Field.TYPE_STRING, Field.TYPE_MESSAGE
ONE, MANY = Field.LABEL_OPTIONAL, Field.LABEL_REPEATED


def build_service(rule):
    """A service shop.Shop/Check. Its request has a list and a map of lines, whose `sku` has this rule."""
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
    service = file.service.add(name="Shop")
    service.method.add(name="Check", input_type=".shop.CheckRequest", output_type=".shop.Line")
    pool = descriptor_pool.DescriptorPool()
    for dependency in (
        descriptor_pb2.DESCRIPTOR,
        *buf_validate.DESCRIPTOR.dependencies,
        buf_validate.DESCRIPTOR,
    ):
        pool.AddSerializedFile(dependency.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("shop.Shop")


def test_paths_have_the_indexes_of_lists_and_the_keys_of_maps():
    descriptor = build_service(buf_validate.FieldRules(string=buf_validate.StringRules(min_len=1)))
    request = GetMessageClass(descriptor.methods_by_name["Check"].input_type)()
    request.lines.add(sku="a")
    request.lines.add()
    request.named['the "red" 红'].sku = ""

    validator = RequestValidator("-", type(request))
    with pytest.raises(InvalidRequest) as caught:
        validator.validate(request)
    assert [violation.field for violation in caught.value.violations] == [
        "lines[1].sku",
        r'named["the \"red\" 红"].sku',
    ]

    request.lines.extend([type(request.lines[0])()] * 40)
    with pytest.raises(InvalidRequest) as caught:
        validator.validate(request)
    assert len(caught.value.violations) == 20


def test_a_rule_that_does_not_compile_stops_the_start():
    broken = buf_validate.FieldRules(cel=[buf_validate.Rule(id="broken", expression="this +")])
    endpoints = {"Check": Endpoint(handler=accept, origin=ErrorOrigin(""))}
    deserialization = partial(DeserializationInterceptor, memory=RequestMemory(1))
    with pytest.raises(StartupError) as caught:
        build_service_handler(build_service(broken), endpoints, [deserialization])
    assert caught.value.lines[0].startswith("shop.Shop/Check: a validation rule does not compile")


@pytest.mark.parametrize("seconds", [10**11, 10**15, -(10**15), 2**63 - 1])
@pytest.mark.parametrize(
    ("request_class", "set_time", "field"),
    [
        (protos.SetMessageLeaseRequest, lambda request: request.lease, "lease"),
        (protos.StreamMessagesRequest, lambda request: request.set_lease.lease, "set_lease.lease"),
        (protos.PullMessagesRequest, lambda request: request.wait, "wait"),
        (protos.GetDeliveryRequest, lambda request: request.wait, "wait"),
    ],
)
def test_a_time_that_is_out_of_range_names_its_field(request_class, set_time, field, seconds):
    """An expression of a rule cannot be evaluated with such a time."""
    request = request_class()
    set_time(request).seconds = seconds
    with pytest.raises(InvalidRequest) as caught:
        RequestValidator("-", request_class).validate(request)
    assert field in {violation.field for violation in caught.value.violations}
