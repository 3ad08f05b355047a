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

from tests.compatibility.surgery import NEWER, OLDER, Release
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
    request = json_format.ParseDict(fields, release.kind(f"{PACKAGE}.SearchByKeywordRequest")())
    call = channel.unary_unary(
        f"/{PACKAGE}.ProductService/SearchByKeyword",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=release.kind(f"{PACKAGE}.SearchByKeywordResponse").FromString,
    )
    return call(request, timeout=TIMEOUT_S)


def test_older_client_is_answered_and_loses_nothing(channel: grpc.Channel) -> None:
    answered: Any = _search(channel, OLDER, {"keyword": "dress", "page_size": 3})
    assert len(answered.offers) == 3
    assert "total_page" not in answered.DESCRIPTOR.fields_by_name
    whole = product.SearchByKeywordResponse.FromString(answered.SerializeToString())
    assert whole.total_page > 0
    assert all(offer.HasField("price_info") for offer in whole.offers)


def test_newer_clients_field_is_passed_over(channel: grpc.Channel) -> None:
    plain = _search(channel, NEWER, {"keyword": "dress", "page_size": 3})
    assert _search(channel, NEWER, {"keyword": "dress", "page_size": 3, "warehouse": "Osaka"}) == plain


def test_newer_clients_enum_value_is_refused(channel: grpc.Channel) -> None:
    """A value is asked for, and nothing can be done for it: silence would be a lie."""
    fields = {"keyword": "dress", "sort": {"field": "price", "order": "SORT_ORDER_SHUFFLED"}}
    with pytest.raises(grpc.RpcError) as refused:
        _search(channel, NEWER, fields)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status = rpc_status.from_call(refused.value)
    assert status is not None
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert info.reason == "ERROR_REASON_INVALID_REQUEST"
    assert [violation.field for violation in bad.field_violations] == ["sort.order"]
