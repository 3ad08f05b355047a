"""Today's stubs call a server of a later release: unknown fields do no harm and are kept."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from nationalsite.ordersync import v1 as order_sync
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product import v1 as product
from nationalsite.product.v1 import ProductServiceStub

from tests.compatibility.newer_server_messages import (
    FOLDER,
    NEWER_MESSAGES,
    UNKNOWN_ENUM_VALUE,
    UNKNOWN_FIELD,
    UNKNOWN_ONEOF_MEMBER,
    NewerMessage,
    current_message_class,
    generate_files,
)
from tests.compatibility.schema_edits import NEWER

TIMEOUT_S = 20
STREAMED = {"delivered": UNKNOWN_ONEOF_MEMBER.fields}


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "nationalsite.product.v1.ProductService", {"SearchByKeyword": _handler(UNKNOWN_FIELD)}
            ),
            grpc.method_handlers_generic_handler(
                "nationalsite.ordersync.v1.OrderSyncService",
                {
                    "PullMessages": _handler(UNKNOWN_ONEOF_MEMBER),
                    "GetDelivery": _handler(UNKNOWN_ENUM_VALUE),
                    "StreamMessages": grpc.stream_stream_rpc_method_handler(
                        _stream, response_serializer=lambda message: message.SerializeToString()
                    ),
                },
            ),
        ]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(grace=None).wait(TIMEOUT_S)


def _handler(newer: NewerMessage) -> grpc.RpcMethodHandler:
    message = newer.build()
    return grpc.unary_unary_rpc_method_handler(
        lambda request, context: message, response_serializer=lambda message: message.SerializeToString()
    )


def _stream(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Message]:
    next(requests)
    response_class = NEWER.message_class("nationalsite.ordersync.v1.StreamMessagesResponse")
    yield json_format.ParseDict(STREAMED, response_class())


def _search(channel: grpc.Channel) -> Message:
    request = product.SearchByKeywordRequest(keyword="dress")
    return ProductServiceStub(channel).SearchByKeyword(request, timeout=TIMEOUT_S)


def _pull(channel: grpc.Channel) -> Message:
    request = order_sync.PullMessagesRequest(subscription="shop")
    return OrderSyncServiceStub(channel).PullMessages(request, timeout=TIMEOUT_S)


def _get_delivery(channel: grpc.Channel) -> Message:
    request = order_sync.GetDeliveryRequest(delivery_id="d-1")
    return OrderSyncServiceStub(channel).GetDelivery(request, timeout=TIMEOUT_S)


@pytest.mark.parametrize(
    ("newer", "call"),
    [(UNKNOWN_FIELD, _search), (UNKNOWN_ONEOF_MEMBER, _pull), (UNKNOWN_ENUM_VALUE, _get_delivery)],
    ids=["field", "oneof-member", "enum-value"],
)
def test_known_fields_are_read_and_unknown_fields_are_kept(
    channel: grpc.Channel, newer: NewerMessage, call: Callable[[grpc.Channel], Message]
) -> None:
    received = call(channel)
    assert json_format.MessageToDict(received, preserving_proto_field_name=True) == newer.known
    decoded = NEWER.message_class(newer.type).FromString(received.SerializeToString())
    assert decoded == newer.build()


def test_unknown_oneof_member_is_not_set(channel: grpc.Channel) -> None:
    unknown, known = (received.message for received in _pull(channel).received_messages)
    assert unknown.WhichOneof("payload") is None
    assert known.WhichOneof("payload") == "order"
    assert "INVOICE_BUYER_VIEW_ISSUED" in unknown.raw_json


def test_unknown_oneof_member_on_a_stream(channel: grpc.Channel) -> None:
    open_request = order_sync.StreamMessagesRequest(open={"subscription": "shop"})
    (received,) = OrderSyncServiceStub(channel).StreamMessages(iter([open_request]), timeout=TIMEOUT_S)
    unknown = received.delivered.received_messages[0].message
    assert unknown.topic == "INVOICE_BUYER_VIEW_ISSUED"
    assert unknown.WhichOneof("payload") is None


def test_unknown_enum_value_is_its_number(channel: grpc.Channel) -> None:
    state = _get_delivery(channel).delivery.state
    assert state == 100
    assert state not in order_sync.DeliveryState.values()


@pytest.mark.parametrize("newer", NEWER_MESSAGES, ids=lambda newer: newer.name)
def test_current_protos_do_not_have_the_new_fields(newer: NewerMessage) -> None:
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(newer.fields, current_message_class(newer.type)())


def test_files_for_other_languages_are_up_to_date() -> None:
    expected = dict(generate_files())
    actual = {path: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in (".binpb", ".json")}
    assert actual == expected, "run python -m tests.compatibility.newer_server_messages"


@pytest.mark.parametrize("newer", NEWER_MESSAGES, ids=lambda newer: newer.name)
def test_encoding_again_keeps_the_size(newer: NewerMessage) -> None:
    decoded = current_message_class(newer.type).FromString(newer.encode())
    assert len(decoded.SerializeToString()) == len(newer.encode())
