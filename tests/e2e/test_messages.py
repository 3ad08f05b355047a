"""1688's messages through a running service: pushed, stored, delivered, acknowledged."""

import json
import os
import queue
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.support.callbacks import build_body, post, push, sign
from tests.support.consumers import (
    TIMEOUT_S,
    StreamConsumer,
    ack,
    create_subscription,
    delete_subscription,
    pull,
    set_lease,
)
from tests.support.sample_cases import SAMPLES
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details
from tools.local_stack import RunningProcess, start_service, stop

CREATE = {"subscription": "invalid-requests", "create_if_missing": {}}
MESSAGES = sorted((SAMPLES / "messages").glob("[A-Z]*.json"))


def get_subscription(stub: OrderSyncServiceStub, name: str) -> protos.Subscription:
    """Return a subscription with its message counts."""
    request = protos.GetSubscriptionRequest(subscription=name)
    return stub.GetSubscription(request, timeout=TIMEOUT_S).subscription


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


def get_ids(received: list[protos.ReceivedMessage]) -> list[str]:
    return [each.message.message_id for each in received]


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
    assert get_ids(pull(stub, subscription)) == ["68891003"]


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_every_topic_arrives_with_its_payload(
    path: Path, order_sync: RunningProcess, stub: OrderSyncServiceStub
) -> None:
    text = json.dumps(json.loads(path.read_text()) | {"msgId": uuid.uuid4().int % 10**15}, ensure_ascii=False)
    message_id, topic = json.loads(text)["msgId"], json.loads(text)["type"]
    name = f"topic-{message_id}"
    create_subscription(stub, name, topics=[topic])
    assert push(order_sync.callback, text) == 200
    (received,) = pull(stub, name)
    ack(stub, name, received)
    message = received.message
    assert (message.message_id, message.topic, message.raw_json) == (str(message_id), topic, text)
    assert received.delivery_attempt == 1
    assert received.lease_expire_time.seconds > time.time()
    payload = getattr(message, message.WhichOneof("payload"))
    assert payload.ListFields()
    if "REFUND" in topic:
        assert message.WhichOneof("payload") == "refund"
    elif topic.startswith("ORDER_BUYER"):
        assert message.WhichOneof("payload") == "order"
    delete_subscription(stub, name)


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
    (received,) = pull(stub, subscription)
    assert (received.message.raw_json, received.message.topic) == (text, topic)
    assert received.message.message_id


def test_callbacks_without_a_valid_signature_are_not_stored(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    text = build_order_message(new_order_id(), 1)
    valid_signature = sign([("message", text)])
    for parameters in (
        [("message", text), ("_aop_signature", "")],
        [
            ("message", text),
            ("_aop_signature", valid_signature[:-1] + ("0" if valid_signature[-1] != "0" else "1")),
        ],
        [("message", text + " "), ("_aop_signature", valid_signature)],
    ):
        assert post(order_sync.callback, urlencode(parameters).encode()) == 401
    for parameters in (
        [("message", text)],
        [("message", text), ("_aop_signature", valid_signature), ("_aop_signature", valid_signature)],
        [("message", text), ("more", "1"), ("_aop_signature", sign([("message", text), ("more", "1")]))],
    ):
        assert post(order_sync.callback, urlencode(parameters).encode()) == 400
    assert post(order_sync.callback + "?more=1", build_body(text)) == 400
    assert post(order_sync.callback, b"message=" + b"x" * 2**20) == 413
    assert post(order_sync.callback, b"&".join(b"a=1" for _ in range(1000))) == 400
    assert pull(stub, subscription) == []


def test_a_signature_in_lower_case_is_valid(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    text = build_order_message(new_order_id(), 1)
    signature = sign([("message", text)]).lower()
    body = urlencode({"message": text, "_aop_signature": signature}).encode()
    assert post(order_sync.callback, body) == 200
    assert [received.message.raw_json for received in pull(stub, subscription)] == [text]


def test_messages_of_one_order_are_delivered_by_time_one_at_a_time(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    order, other = new_order_id(), new_order_id()
    for order_id, second in ((order, 3), (order, 1), (other, 9), (order, 2)):
        assert push(order_sync.callback, build_order_message(order_id, second)) == 200
    received = pull(stub, subscription)
    assert [each.message.order.cbu_order_id for each in received] == [order, other]
    assert pull(stub, subscription) == []
    seconds = []
    while received:
        seconds += [
            each.message.order.send_time.seconds % 60
            for each in received
            if each.message.order.cbu_order_id == order
        ]
        ack(stub, subscription, *received)
        received = pull(stub, subscription)
    assert seconds == [1, 2, 3]


def test_a_pull_waits_for_a_message(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    future = stub.PullMessages.future(
        protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 15}), timeout=TIMEOUT_S
    )
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    started = time.monotonic()
    assert len(future.result().received_messages) == 1
    assert time.monotonic() - started < 10


def test_a_pull_responds_before_its_deadline(stub: OrderSyncServiceStub, subscription: str) -> None:
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 20})
    assert list(stub.PullMessages(request, timeout=1.5).received_messages) == []


def test_a_released_message_is_redelivered(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    received = pull(stub, subscription)
    assert set_lease(stub, subscription, *received, seconds=0) == []
    (redelivered,) = pull(stub, subscription)
    assert (get_ids([redelivered]), redelivered.delivery_attempt) == (get_ids(received), 2)


def test_an_unacknowledged_message_is_dead_lettered_and_can_be_requeued(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    while messages := pull(stub, subscription):
        (received,) = messages
        assert set_lease(stub, subscription, received, seconds=0) == []
    assert received.delivery_attempt == 10
    (dead,) = stub.ListDeadMessages(
        protos.ListDeadMessagesRequest(subscription=subscription), timeout=TIMEOUT_S
    ).dead_messages
    assert (dead.message, dead.delivery_attempts) == (received.message, 10)
    assert 0 < dead.dead_time.seconds <= time.time()
    counts = get_subscription(stub, subscription)
    assert (counts.backlog, counts.dead_messages) == (0, 1)
    requeue = protos.RequeueMessagesRequest(subscription=subscription)
    assert stub.RequeueMessages(requeue, timeout=TIMEOUT_S).requeued == 1
    (redelivered,) = pull(stub, subscription)
    assert (redelivered.message, redelivered.delivery_attempt) == (received.message, 1)


def test_other_topics_and_unknown_subscriptions_are_errors(
    stub: OrderSyncServiceStub, subscription: str
) -> None:
    for call, request, status, reason in (
        (
            stub.PullMessages,
            protos.PullMessagesRequest(subscription=subscription, create_if_missing={"topics": ["A"]}),
            "FAILED_PRECONDITION",
            "SUBSCRIPTION_MISMATCH",
        ),
        (
            stub.PullMessages,
            protos.PullMessagesRequest(subscription="never"),
            "NOT_FOUND",
            "SUBSCRIPTION_NOT_FOUND",
        ),
        (
            stub.GetSubscription,
            protos.GetSubscriptionRequest(subscription="never"),
            "NOT_FOUND",
            "SUBSCRIPTION_NOT_FOUND",
        ),
        (
            stub.AckMessages,
            protos.AckMessagesRequest(subscription="never", ack_ids=["1"]),
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
        received = stream.next()
        assert received.message.order.cbu_order_id == order
        stream.ack(received)
    stream.close()
    assert stream.end() is None
    assert pull(stub, subscription) == []


def test_requests_before_the_end_of_a_stream_are_processed(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    stream = StreamConsumer(stub, subscription)
    for second in range(30):
        assert push(order_sync.callback, build_order_message(new_order_id(), second)) == 200
    first, *others = [stream.next() for _ in range(30)]
    for each in others:
        stream.ack(each)
    stream.set_lease(first, seconds=0)
    redelivered = stream.next()
    assert (redelivered.message, redelivered.delivery_attempt) == (first.message, 2)
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
    assert stream.next().message != first.message
    stream.call.cancel()


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_messages_of_an_ended_stream_are_redelivered_immediately(
    end: str, order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    stream = StreamConsumer(stub, subscription, lease={"seconds": 600})
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    received = stream.next()
    if end == "close":
        stream.close()
        assert stream.end() is None
    else:
        stream.call.cancel()
    (redelivered,) = pull(stub, subscription, wait_s=15)
    assert (redelivered.message, redelivered.delivery_attempt) == (received.message, 2)


@pytest.mark.parametrize("end", ["half-close", "cancel"])
def test_streams_that_are_cancelled_at_once_keep_no_message(
    end: str, order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    """gRPC delivers the end of the requests first, and then the cancellation."""
    for second in range(3):
        assert push(order_sync.callback, build_order_message(new_order_id(), second)) == 200
    for number in range(6):
        stream = StreamConsumer(stub, subscription, lease={"seconds": 600})
        received = [stream.next() for _ in range(3)]
        if end == "half-close":
            stream.close()
        stream.call.cancel()
        # A delivery counts only if the server knew that it was sent before it knew of the end.
        assert all(each.delivery_attempt <= number + 1 for each in received)


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "open"),
        ([{"ack": {"ack_ids": ["1"]}}], "open"),
        ([{"open": {"subscription": "x y"}}], "open.subscription"),
        ([{"open": CREATE}, {"open": CREATE}], "open"),
        ([{}], "request"),
        ([{"open": CREATE}, {"ack": {"ack_ids": ["MToxOjE6MQ", "x"]}}], "ack.ack_ids[0] ack.ack_ids[1]"),
        ([{"open": CREATE}, {"set_lease": {"ack_ids": ["x"], "lease": {}}}], "set_lease.ack_ids[0]"),
        ([{"open": CREATE}, {"ack": {"ack_ids": ["x" * 8000]}}], "ack.ack_ids[0]"),
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
    violations = parse_status_details(failure.value)["BadRequest"].field_violations
    assert " ".join(violation.field for violation in violations) == field


@pytest.mark.slow
def test_a_stream_of_large_requests_does_not_grow_the_process(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    """The requests are about as large as they may be, by a field that the service does not know."""
    assert push(order_sync.callback, build_order_message(new_order_id(), 1)) == 200
    stream = StreamConsumer(stub, subscription, lease={"seconds": 600})
    received = stream.next()
    size, count = 2**20, 150
    request = protos.StreamMessagesRequest(ack={"ack_ids": [received.ack_id]})
    request.MergeFromString(b"\xfa\x01\x80\x80\x40" + bytes(size))
    assert request.ByteSize() > size
    before_mib = peak_mib = memory_mib(order_sync)
    for _ in range(count):
        stream.send_request(request)
    stream.close()
    while stream.responses.empty():
        peak_mib = max(peak_mib, memory_mib(order_sync))
        time.sleep(0.01)
    assert stream.end() is None
    assert peak_mib - before_mib < 100, f"{count * size >> 20} MiB were sent"


def memory_mib(service: RunningProcess) -> float:
    """Return the resident memory of a process."""
    with open(f"/proc/{service.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
def test_streams_above_the_limit_are_rejected_and_a_drain_ends_idle_and_full_streams(
    running_sandbox: RunningProcess, sandbox: SandboxClient
) -> None:
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0", "NATIONALSITE_MAX_STREAMS_PER_CALLER": "2"}
    service = start_service("order_sync", running_sandbox.address, settings, log="test-drain")
    with grpc.insecure_channel(service.address) as channel:
        stub = OrderSyncServiceStub(channel)
        for name in ("drained", "other"):
            create_subscription(stub, name)
        stream = StreamConsumer(stub, "drained")
        full_stream = StreamConsumer(stub, "other", max_outstanding=1)
        assert push(service.callback, build_order_message(new_order_id(), 1)) == 200
        assert stream.next().message == full_stream.next().message
        error = StreamConsumer(stub, "other").end()
        assert error is not None
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert parse_status_details(error)["ErrorInfo"].reason == "ERROR_REASON_STREAM_LIMIT"
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
