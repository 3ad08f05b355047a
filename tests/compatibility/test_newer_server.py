"""Today's stubs call a server of a later release: what they do not know does no harm, and is not lost."""

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

from tests.compatibility.newer_answers import ANSWERS, ARM, FIELD, FOLDER, VALUE, Answer, files, today
from tests.compatibility.surgery import NEWER

TIMEOUT_S = 20
STREAMED = {"message": ARM.newer["messages"][0]}


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "nationalsite.product.v1.ProductService", {"SearchByKeyword": _answering(FIELD)}
            ),
            grpc.method_handlers_generic_handler(
                "nationalsite.ordersync.v1.OrderSyncService",
                {
                    "PullMessages": _answering(ARM),
                    "GetDelivery": _answering(VALUE),
                    "StreamMessages": grpc.stream_stream_rpc_method_handler(
                        _streamed, response_serializer=lambda message: message.SerializeToString()
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


def _answering(answer: Answer) -> grpc.RpcMethodHandler:
    message = answer.message()
    return grpc.unary_unary_rpc_method_handler(
        lambda request, context: message, response_serializer=lambda message: message.SerializeToString()
    )


def _streamed(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Message]:
    next(requests)
    kind = NEWER.kind("nationalsite.ordersync.v1.StreamMessagesResponse")
    yield json_format.ParseDict(STREAMED, kind())


def _search(channel: grpc.Channel) -> Message:
    request = product.SearchByKeywordRequest(keyword="dress")
    return ProductServiceStub(channel).SearchByKeyword(request, timeout=TIMEOUT_S)


def _pull(channel: grpc.Channel) -> Message:
    request = order_sync.PullMessagesRequest(subscription="shop")
    return OrderSyncServiceStub(channel).PullMessages(request, timeout=TIMEOUT_S)


def _delivery(channel: grpc.Channel) -> Message:
    request = order_sync.GetDeliveryRequest(delivery_id="d-1")
    return OrderSyncServiceStub(channel).GetDelivery(request, timeout=TIMEOUT_S)


@pytest.mark.parametrize(
    ("answer", "call"), [(FIELD, _search), (ARM, _pull), (VALUE, _delivery)], ids=["field", "arm", "value"]
)
def test_what_is_known_is_read_and_the_rest_is_kept(
    channel: grpc.Channel, answer: Answer, call: Callable[[grpc.Channel], Message]
) -> None:
    received = call(channel)
    assert json_format.MessageToDict(received, preserving_proto_field_name=True) == answer.known
    again = NEWER.kind(answer.type).FromString(received.SerializeToString())
    assert again == answer.message()


def test_unknown_arm_is_no_arm(channel: grpc.Channel) -> None:
    unknown, known = _pull(channel).messages  # type: ignore[attr-defined]
    assert unknown.WhichOneof("payload") is None
    assert known.WhichOneof("payload") == "order"
    assert "INVOICE_BUYER_VIEW_ISSUED" in unknown.raw_json


def test_unknown_arm_on_a_stream(channel: grpc.Channel) -> None:
    opening = order_sync.StreamMessagesRequest(open={"subscription": "shop"})
    (received,) = OrderSyncServiceStub(channel).StreamMessages(iter([opening]), timeout=TIMEOUT_S)
    assert received.message.topic == "INVOICE_BUYER_VIEW_ISSUED"
    assert received.message.WhichOneof("payload") is None


def test_unknown_value_is_its_number(channel: grpc.Channel) -> None:
    state = _delivery(channel).delivery.state  # type: ignore[attr-defined]
    assert state == 100
    assert state not in order_sync.DeliveryState.values()


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_today_does_not_have_it(answer: Answer) -> None:
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(answer.newer, today(answer.type)())


def test_files_for_other_languages_are_these() -> None:
    expected = dict(files())
    found = {path: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in (".binpb", ".json")}
    assert found == expected, "python -m tests.compatibility.newer_answers writes them"


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_what_is_made_of_it_again_is_as_long(answer: Answer) -> None:
    assert len(today(answer.type).FromString(answer.bytes()).SerializeToString()) == len(answer.bytes())
