"""1688's messages through a running service: pushed, stored, delivered, acknowledged."""

import json
import queue
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.e2e.conftest import ServicePool
from tests.support.callbacks import build_body, post, push, sign
from tests.support.consumers import TIMEOUT_S, StreamConsumer, ack, pull
from tests.support.sample_cases import SAMPLES
from tests.support.status_details import parse_status_details
from tools.local_stack import RunningProcess, start_service, stop

NATIONAL = "national-site"
MESSAGES = sorted((SAMPLES / "messages").glob("[A-Z]*.json"))


@pytest.fixture(scope="module")
def order_sync(running_services: ServicePool) -> RunningProcess:
    return running_services["order_sync", NATIONAL]


@pytest.fixture(scope="module")
def stub(order_sync: RunningProcess) -> Iterator[OrderSyncServiceStub]:
    with grpc.insecure_channel(order_sync.address) as channel:
        yield OrderSyncServiceStub(channel)


@pytest.fixture
def subscription(stub: OrderSyncServiceStub) -> Iterator[str]:
    """A new subscription, without earlier messages."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    pull(stub, name)
    yield name
    stub.DeleteSubscription(protos.DeleteSubscriptionRequest(subscription=name), timeout=TIMEOUT_S)


def release(stub: OrderSyncServiceStub, subscription: str, message: protos.Message) -> None:
    """End the lease of a message, so that it is redelivered."""
    message_ids = [message.message_id]
    request = protos.SetMessageLeaseRequest(subscription=subscription, message_ids=message_ids, lease={})
    stub.SetMessageLease(request, timeout=TIMEOUT_S)


def get_subscription(stub: OrderSyncServiceStub, name: str) -> protos.Subscription:
    """Return a subscription with its message counts."""
    response = stub.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=TIMEOUT_S)
    (subscription,) = (listed for listed in response.subscriptions if listed.subscription == name)
    return subscription


def build_order_message(order_id: int, second: int) -> str:
    """Return a message of an order that was sent at this second."""
    return json.dumps(
        {
            "msgId": uuid.uuid4().int % 10**15,
            "gmtBorn": 1_788_399_000_000 + second * 1000,
            "type": "ORDER_BUYER_VIEW_ORDER_PAY",
            "userInfo": "b2b-1",
            "data": {"orderId": order_id, "msgSendTime": f"2026-09-03 09:{second // 60:02}:{second % 60:02}"},
        }
    )


def new_order_id() -> int:
    return uuid.uuid4().int % 10**18


def test_the_reference_callback_is_accepted(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    """A recorded callback, byte for byte, with its signature."""
    sample = json.loads((SAMPLES / "messages" / "_http_form_example.json").read_text())
    headers = {"Content-Type": sample["content_type"]}
    for _ in range(2):
        assert post(order_sync.callback, sample["body"].encode(), **headers) == 200
    assert [message.message_id for message in pull(stub, subscription)] == ["68891003"]


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_every_topic_arrives_with_its_payload(
    path: Path, order_sync: RunningProcess, stub: OrderSyncServiceStub
) -> None:
    text = json.dumps(json.loads(path.read_text()) | {"msgId": uuid.uuid4().int % 10**15}, ensure_ascii=False)
    message_id, topic = json.loads(text)["msgId"], json.loads(text)["type"]
    name = f"topic-{message_id}"
    pull(stub, name, topics=[topic])
    assert push(order_sync.callback, text) == 200
    (message,) = pull(stub, name)
    ack(stub, name, message)
    assert (message.message_id, message.topic, message.raw_json) == (str(message_id), topic, text)
    assert message.delivery_attempt == 1
    assert message.lease_expire_time.seconds > time.time()
    payload = getattr(message, message.WhichOneof("payload"))
    assert payload.ListFields()
    if "REFUND" in topic:
        assert message.WhichOneof("payload") == "refund"
    elif topic.startswith("ORDER_BUYER"):
        assert message.WhichOneof("payload") == "order"
    stub.DeleteSubscription(protos.DeleteSubscriptionRequest(subscription=name), timeout=TIMEOUT_S)


PAID = "ORDER_BUYER_VIEW_ORDER_PAY"


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        # The test replaces # by a unique number, TOPIC by the topic.
        ('{"msgId":#,"type":"TOPIC","data":{}}', "SYSTEM_TEST_PLATFORM"),
        ('{"msgId":#,"type":"TOPIC","data":"{\\"orderId\\":\\"7\\"}"}', PAID),
        ('{"msgId":"\\u0000#","type":"TOPIC","data":"{not json"}', PAID),
        ('{"data": {"orderId": #}}', ""),
        ("no JSON at all #", ""),
        ("[#]", ""),
    ],
)
def test_signed_callbacks_are_stored_whatever_they_contain(
    text: str, topic: str, order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    text = text.replace("#", str(new_order_id())).replace("TOPIC", topic)
    for _ in range(2):
        assert push(order_sync.callback, text) == 200
    (message,) = pull(stub, subscription)
    assert (message.raw_json, message.topic) == (text, topic)
    assert message.message_id


def test_callbacks_without_a_valid_signature_are_not_stored(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    text = build_order_message(new_order_id(), 1)
    valid_signature = sign([("message", text)])
    for parameters in (
        [("message", text)],
        [("message", text), ("_aop_signature", "")],
        [
            ("message", text),
            ("_aop_signature", valid_signature[:-1] + ("0" if valid_signature[-1] != "0" else "1")),
        ],
        [("message", text + " "), ("_aop_signature", valid_signature)],
        [("message", text), ("_aop_signature", valid_signature), ("_aop_signature", valid_signature)],
        [("message", text), ("more", "1"), ("_aop_signature", valid_signature)],
    ):
        assert post(order_sync.callback, urlencode(parameters).encode()) == 401
    assert post(order_sync.callback + "?more=1", build_body(text)) == 401
    assert post(order_sync.callback, b"message=" + b"x" * 2**20) == 413
    assert post(order_sync.callback, b"&".join(b"a=1" for _ in range(1000))) == 400
    assert pull(stub, subscription) == []


def test_the_signature_covers_query_and_body(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    """A signature in lower case is valid too."""
    text = build_order_message(new_order_id(), 1)
    signature = sign([("message", text), ("more", "1")]).lower()
    body = urlencode({"message": text, "_aop_signature": signature}).encode()
    assert post(order_sync.callback + "?more=1", body) == 200
    assert [message.raw_json for message in pull(stub, subscription)] == [text]


def test_messages_of_one_order_are_delivered_by_time_one_at_a_time(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    order, other = new_order_id(), new_order_id()
    for order_id, second in ((order, 3), (order, 1), (other, 9), (order, 2)):
        assert push(order_sync.callback, build_order_message(order_id, second)) == 200
    messages = pull(stub, subscription)
    assert [message.order.cbu_order_id for message in messages] == [order, other]
    assert pull(stub, subscription) == []
    seconds = []
    while messages:
        seconds += [
            message.order.send_time.seconds % 60
            for message in messages
            if message.order.cbu_order_id == order
        ]
        ack(stub, subscription, *messages)
        messages = pull(stub, subscription)
    assert seconds == [1, 2, 3]


def test_a_pull_waits_for_a_message(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    future = stub.PullMessages.future(
        protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 15}), timeout=TIMEOUT_S
    )
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    started = time.monotonic()
    assert len(future.result().messages) == 1
    assert time.monotonic() - started < 10


def test_a_pull_responds_before_its_deadline(stub: OrderSyncServiceStub, subscription: str) -> None:
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 20})
    assert list(stub.PullMessages(request, timeout=1.5).messages) == []


def test_a_released_message_is_redelivered(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    (message,) = pull(stub, subscription)
    release(stub, subscription, message)
    (redelivered,) = pull(stub, subscription)
    assert (redelivered.message_id, redelivered.delivery_attempt) == (message.message_id, 2)


def test_an_unacknowledged_message_is_dead_lettered_and_can_be_requeued(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    while messages := pull(stub, subscription):
        (message,) = messages
        release(stub, subscription, message)
    assert message.delivery_attempt == 10
    dead = stub.ListDeadMessages(protos.ListDeadMessagesRequest(subscription=subscription), timeout=TIMEOUT_S)
    assert [message.message_id for message in dead.messages] == [message.message_id]
    counts = get_subscription(stub, subscription)
    assert (counts.backlog, counts.dead_messages) == (0, 1)
    requeue = protos.RequeueMessagesRequest(subscription=subscription)
    assert stub.RequeueMessages(requeue, timeout=TIMEOUT_S).requeued == 1
    (redelivered,) = pull(stub, subscription)
    assert (redelivered.message_id, redelivered.delivery_attempt) == (message.message_id, 1)


def test_other_topics_and_unknown_subscriptions_are_errors(
    stub: OrderSyncServiceStub, subscription: str
) -> None:
    for call, request, status, reason in (
        (
            stub.PullMessages,
            protos.PullMessagesRequest(subscription=subscription, topics=["A"]),
            "FAILED_PRECONDITION",
            "SUBSCRIPTION_MISMATCH",
        ),
        (
            stub.AckMessages,
            protos.AckMessagesRequest(subscription="never", message_ids=["1"]),
            "NOT_FOUND",
            "SUBSCRIPTION_NOT_FOUND",
        ),
        (
            stub.DeleteSubscription,
            protos.DeleteSubscriptionRequest(subscription="never"),
            "NOT_FOUND",
            "SUBSCRIPTION_NOT_FOUND",
        ),
    ):
        with pytest.raises(grpc.RpcError) as failure:
            call(request, timeout=TIMEOUT_S)
        assert failure.value.code().name == status
        assert parse_status_details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"


def test_a_stream_receives_messages_as_they_arrive(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    stream = StreamConsumer(stub, subscription)
    order = new_order_id()
    for second in (1, 2, 3):
        assert push(order_sync.callback, build_order_message(order, second)) == 200
        message = stream.next()
        assert message.order.cbu_order_id == order
        stream.ack(message)
    stream.close()
    assert stream.end() is None
    assert pull(stub, subscription) == []


def test_requests_before_the_end_of_a_stream_are_processed(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    stream = StreamConsumer(stub, subscription)
    for second in range(30):
        assert push(order_sync.callback, build_order_message(new_order_id(), second)) == 200
    messages = [stream.next() for _ in range(30)]
    for message in messages[1:]:
        stream.ack(message)
    stream.send(set_lease={"message_ids": [messages[0].message_id], "lease": {"seconds": 0}})
    redelivered = stream.next()
    assert (redelivered.message_id, redelivered.delivery_attempt) == (messages[0].message_id, 2)
    stream.ack(redelivered)
    stream.close()
    assert stream.end() is None
    assert pull(stub, subscription) == []
    assert get_subscription(stub, subscription).backlog == 0


def test_a_stream_has_at_most_max_outstanding_messages(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    stream = StreamConsumer(stub, subscription, max_outstanding=2)
    for second in range(4):
        assert push(order_sync.callback, build_order_message(new_order_id(), second)) == 200
    first, _second = stream.next(), stream.next()
    with pytest.raises(queue.Empty):
        stream.responses.get(timeout=0.5)
    stream.ack(first)
    assert stream.next().message_id != first.message_id
    stream.call.cancel()


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_messages_of_an_ended_stream_are_redelivered_immediately(
    end: str, order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    stream = StreamConsumer(stub, subscription, lease={"seconds": 600})
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    message = stream.next()
    if end == "close":
        stream.close()
        assert stream.end() is None
    else:
        stream.call.cancel()
    (redelivered,) = pull(stub, subscription, wait_s=15)
    assert (redelivered.message_id, redelivered.delivery_attempt) == (message.message_id, 2)


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "open"),
        ([{"ack": {"message_ids": ["1"]}}], "open"),
        ([{"open": {"subscription": "x y"}}], "open.subscription"),
        ([{"open": {"subscription": "twice"}}, {"open": {"subscription": "twice"}}], "open"),
        ([{}], "request"),
    ],
)
def test_an_invalid_stream_request_names_its_field(
    requests: list[dict[str, Any]], field: str, stub: OrderSyncServiceStub
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        list(
            stub.StreamMessages(
                iter(protos.StreamMessagesRequest(**fields) for fields in requests), timeout=TIMEOUT_S
            )
        )
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [
        violation.field for violation in parse_status_details(failure.value)["BadRequest"].field_violations
    ] == [field]


def test_a_drain_ends_idle_and_full_streams(running_sandbox: RunningProcess) -> None:
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0"}
    service = start_service("order_sync", running_sandbox.address, settings, log="test-drain")
    with grpc.insecure_channel(service.address) as channel:
        stub = OrderSyncServiceStub(channel)
        for name in ("drained", "other"):
            pull(stub, name)
        stream = StreamConsumer(stub, "drained")
        full_stream = StreamConsumer(stub, "other", max_outstanding=1)
        assert push(service.callback, build_order_message(new_order_id(), 1)) == 200
        assert stream.next().message_id == full_stream.next().message_id
        started = time.monotonic()
        assert stop(service) == 0
        assert time.monotonic() - started < 10
        for consumer in (stream, full_stream):
            error = consumer.end()
            assert error is not None
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert parse_status_details(error)["ErrorInfo"].reason == "ERROR_REASON_DRAINING"


def test_a_service_with_a_store_is_ready(order_sync: RunningProcess) -> None:
    with urllib.request.urlopen(f"{order_sync.http}/readyz", timeout=TIMEOUT_S) as response:
        assert response.status == 200
