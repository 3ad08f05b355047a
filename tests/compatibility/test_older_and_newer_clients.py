"""Clients of an earlier and of a later release call today's service."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from nationalsite.product import v1 as product

from tests.compatibility.schema_edits import NEWER, OLDER, Release
from tools.local_stack import start_sandbox, start_service, stop

TIMEOUT_S = 20
PACKAGE = "nationalsite.product.v1"


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    sandbox = start_sandbox(log="compatibility-sandbox")
    service = start_service("product", sandbox.address, log="compatibility-product")
    with grpc.insecure_channel(service.address) as channel:
        yield channel
    assert [stop(service), stop(sandbox)] == [0, 0]


def _search(channel: grpc.Channel, release: Release, fields: dict[str, Any]) -> Message:
    request = json_format.ParseDict(fields, release.message_class(f"{PACKAGE}.SearchByKeywordRequest")())
    call = channel.unary_unary(
        f"/{PACKAGE}.ProductService/SearchByKeyword",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=release.message_class(f"{PACKAGE}.SearchByKeywordResponse").FromString,
    )
    return call(request, timeout=TIMEOUT_S)


def test_older_client_gets_a_response_and_keeps_unknown_fields(channel: grpc.Channel) -> None:
    response: Any = _search(channel, OLDER, {"keyword": "dress", "page_size": 3})
    assert len(response.offers) == 3
    assert "total_size" not in response.DESCRIPTOR.fields_by_name
    complete = product.SearchByKeywordResponse.FromString(response.SerializeToString())
    assert complete.total_size > 0
    assert all(offer.HasField("price_info") for offer in complete.offers)


def test_unknown_field_of_a_newer_client_is_ignored(channel: grpc.Channel) -> None:
    without_field = _search(channel, NEWER, {"keyword": "dress", "page_size": 3})
    assert (
        _search(channel, NEWER, {"keyword": "dress", "page_size": 3, "warehouse": "Osaka"}) == without_field
    )


def test_unknown_enum_value_of_a_newer_client_is_rejected(channel: grpc.Channel) -> None:
    """The service cannot do what the value asks for, so it must not ignore it."""
    fields = {"keyword": "dress", "sort": {"field": "price", "order": "SORT_ORDER_SHUFFLED"}}
    with pytest.raises(grpc.RpcError) as error:
        _search(channel, NEWER, fields)
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status = rpc_status.from_call(error.value)
    assert status is not None
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad_request)
    assert info.reason == "ERROR_REASON_INVALID_REQUEST"
    assert [violation.field for violation in bad_request.field_violations] == ["sort.order"]
