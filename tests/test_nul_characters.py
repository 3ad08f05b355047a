"""A text with U+0000 is rejected in every field of every request, before anything stores or looks for it."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from services.errors import ErrorOrigin, InvalidRequest
from services.server import Endpoint
from services.server.call import MethodInfo
from services.server.interceptors.deserialization import RequestDeserializer
from services.validation import reject_nul_characters
from tests.server.shop_server import accept
from tests.support.sample_cases import METHODS, SERVED_RPCS


def list_texts(message: Descriptor, path: str = "") -> Iterator[tuple[str, Message]]:
    """Yield the path of each text at any depth, and a message in which it is the only one, with U+0000."""
    for descriptor in message.fields:
        field_path = f"{path}{descriptor.name}{'[0]' if descriptor.is_repeated else ''}"
        values: Iterator[tuple[str, object]] = iter(())
        if descriptor.type == FieldDescriptor.TYPE_STRING:
            values = iter([(field_path, "a\0b")])
        elif descriptor.message_type is not None:
            values = list_texts(descriptor.message_type, f"{field_path}.")
        for text_path, value in values:
            outer = GetMessageClass(message)()
            if descriptor.is_repeated:
                getattr(outer, descriptor.name).append(value)
            elif isinstance(value, Message):
                getattr(outer, descriptor.name).CopyFrom(value)
            else:
                setattr(outer, descriptor.name, value)
            yield text_path, outer


@pytest.mark.parametrize("rpc", sorted(SERVED_RPCS))
def test_every_text_of_a_request_is_checked(rpc: str) -> None:
    method = MethodInfo(descriptor=METHODS[rpc], endpoint=Endpoint(handler=accept, origin=ErrorOrigin(rpc)))
    deserializer = RequestDeserializer(method)
    for path, request in list_texts(METHODS[rpc].input_type):
        with pytest.raises(InvalidRequest) as caught:
            deserializer.parse(request.SerializeToString())
        (violation,) = caught.value.violations
        assert (violation.field, violation.reason) == (path, "STRING_NOT_CONTAINS")


def test_keys_and_values_of_maps_are_checked_and_violations_are_limited() -> None:
    request = Struct()
    request["a\0"] = "fine"
    request["list"] = ["fine", {"inner": "\0"}]
    assert set(violated(request)) == {
        r'fields["a\u0000"]',
        'fields["list"].list_value.values[1].struct_value.fields["inner"].string_value',
    }
    request["list"] = ["\0"] * 30
    assert len(violated(request)) == 20


def violated(request: Message) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        reject_nul_characters(request)
    return [violation.field for violation in caught.value.violations]
