"""1688's messages through a running service: pushed, stored, handed out, acknowledged."""

import hashlib
import hmac
import json
import queue
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.e2e.consumer import WITHIN_S, Stream, ack, pull
from tests.support.sample_cases import SAMPLES
from tools.local_stack import RunningProcess, start_service, stop

NATIONAL = "national-site"
SECRET = b"test-app-secret"
MESSAGES = sorted((SAMPLES / "messages").glob("[A-Z]*.json"))


@pytest.fixture(scope="module")
def order_sync(running: dict[tuple[str, str], RunningProcess]) -> RunningProcess:
    return running["order_sync", NATIONAL]


@pytest.fixture(scope="module")
def stub(order_sync: RunningProcess) -> Iterator[OrderSyncServiceStub]:
    with grpc.insecure_channel(order_sync.address) as channel:
        yield OrderSyncServiceStub(channel)


@pytest.fixture
def subscription(stub: OrderSyncServiceStub) -> Iterator[str]:
    """A subscription to what comes from now on."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    pull(stub, name)
    yield name
    stub.DeleteSubscription(protos.DeleteSubscriptionRequest(subscription=name), timeout=WITHIN_S)


def give_back(stub: OrderSyncServiceStub, subscription: str, message: protos.Message) -> None:
    ids = [message.message_id]
    request = protos.SetMessageLeaseRequest(subscription=subscription, message_ids=ids, lease={})
    stub.SetMessageLease(request, timeout=WITHIN_S)


def signature(*texts: str) -> str:
    """Sign as the platform's page says, independently of the suite."""
    return hmac.new(SECRET, "".join(sorted(texts)).encode(), hashlib.sha1).hexdigest().upper()


def post(url: str, body: bytes, **headers: str) -> int:
    """Return the status that a callback is answered with."""
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def push(url: str, text: str) -> int:
    """Push a message as 1688 does."""
    return post(url, urlencode({"message": text, "_aop_signature": signature("message" + text)}).encode())


def order_message(order_id: int, second: int, *, message_id: int | None = None) -> str:
    return json.dumps(
        {
            "msgId": message_id or uuid.uuid4().int % 10**15,
            "gmtBorn": 1_788_399_000_000 + second * 1000,
            "type": "ORDER_BUYER_VIEW_ORDER_PAY",
            "userInfo": "b2b-1",
            "data": {"orderId": order_id, "msgSendTime": f"2026-09-03 09:{second // 60:02}:{second % 60:02}"},
        }
    )


def an_order() -> int:
    return uuid.uuid4().int % 10**18


def test_the_reference_callback_is_taken(order_sync, stub, subscription) -> None:
    """A whole recorded callback, byte for byte, with the signature that it came with."""
    sample = json.loads((SAMPLES / "messages" / "_http_form_example.json").read_text())
    headers = {"Content-Type": sample["content_type"]}
    for _ in range(2):
        assert post(order_sync.callback, sample["body"].encode(), **headers) == 200
    assert [message.message_id for message in pull(stub, subscription)] == ["68891003"]


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_every_topic_arrives_typed(path: Path, order_sync, stub) -> None:
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
    stub.DeleteSubscription(protos.DeleteSubscriptionRequest(subscription=name), timeout=WITHIN_S)


PAID = "ORDER_BUYER_VIEW_ORDER_PAY"


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        # # stands for a number of the message's own, TOPIC for its topic
        ('{"msgId":#,"type":"TOPIC","data":{}}', "SYSTEM_TEST_PLATFORM"),
        ('{"msgId":#,"type":"TOPIC","data":"{\\"orderId\\":\\"7\\"}"}', PAID),
        ('{"msgId":"\\u0000#","type":"TOPIC","data":"{not json"}', PAID),
        ('{"data": {"orderId": #}}', ""),
        ("no JSON at all #", ""),
        ("[#]", ""),
    ],
)
def test_what_is_signed_is_kept_whatever_it_says(text, topic, order_sync, stub, subscription) -> None:
    text = text.replace("#", str(an_order())).replace("TOPIC", topic)
    for _ in range(2):
        assert push(order_sync.callback, text) == 200
    (message,) = pull(stub, subscription)
    assert (message.raw_json, message.topic) == (text, topic)
    assert message.message_id


def test_what_is_not_signed_is_not_stored(order_sync, stub, subscription) -> None:
    text = order_message(an_order(), 1)
    good = signature("message" + text)
    for parameters in (
        [("message", text)],
        [("message", text), ("_aop_signature", "")],
        [("message", text), ("_aop_signature", good[:-1] + ("0" if good[-1] != "0" else "1"))],
        [("message", text + " "), ("_aop_signature", good)],
        [("message", text), ("_aop_signature", good), ("_aop_signature", good)],
        [("message", text), ("more", "1"), ("_aop_signature", good)],
    ):
        assert post(order_sync.callback, urlencode(parameters).encode()) == 401
    body = urlencode({"message": text, "_aop_signature": good}).encode()
    assert post(order_sync.callback + "?more=1", body) == 401
    assert post(order_sync.callback, b"message=" + b"x" * 2**20) == 413
    assert post(order_sync.callback, b"&".join(b"a=1" for _ in range(1000))) == 400
    assert pull(stub, subscription) == []


def test_the_signature_covers_all_that_came(order_sync, stub, subscription) -> None:
    """Query and body together; in either case."""
    text = order_message(an_order(), 1)
    told = signature("message" + text, "more1").lower()
    body = urlencode({"message": text, "_aop_signature": told}).encode()
    assert post(order_sync.callback + "?more=1", body) == 200
    assert [message.raw_json for message in pull(stub, subscription)] == [text]


def test_messages_of_one_order_come_by_their_time_one_after_the_other(order_sync, stub, subscription) -> None:
    order, other = an_order(), an_order()
    for order_id, second in ((order, 3), (order, 1), (other, 9), (order, 2)):
        assert push(order_sync.callback, order_message(order_id, second)) == 200
    first = pull(stub, subscription)
    assert [message.order.cbu_order_id for message in first] == [order, other]
    assert pull(stub, subscription) == []
    seconds = []
    while first:
        seconds += [each.order.send_time.seconds % 60 for each in first if each.order.cbu_order_id == order]
        ack(stub, subscription, *first)
        first = pull(stub, subscription)
    assert seconds == [1, 2, 3]


def test_a_pull_waits_for_a_message(order_sync, stub, subscription) -> None:
    waiting = stub.PullMessages.future(
        protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 15}), timeout=WITHIN_S
    )
    assert push(order_sync.callback, order_message(an_order(), 1)) == 200
    started = time.monotonic()
    assert len(waiting.result().messages) == 1
    assert time.monotonic() - started < 10


def test_a_pull_answers_before_its_deadline(stub, subscription) -> None:
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": 20})
    assert list(stub.PullMessages(request, timeout=1.5).messages) == []


def test_a_message_given_back_comes_again(order_sync, stub, subscription) -> None:
    assert push(order_sync.callback, order_message(an_order(), 1)) == 200
    (message,) = pull(stub, subscription)
    request = protos.SetMessageLeaseRequest(
        subscription=subscription, message_ids=[message.message_id], lease={}
    )
    stub.SetMessageLease(request, timeout=WITHIN_S)
    (again,) = pull(stub, subscription)
    assert (again.message_id, again.delivery_attempt) == (message.message_id, 2)


def test_what_is_never_acknowledged_is_dead_and_can_be_requeued(order_sync, stub, subscription) -> None:
    assert push(order_sync.callback, order_message(an_order(), 1)) == 200
    while messages := pull(stub, subscription):
        (message,) = messages
        give_back(stub, subscription, message)
    assert message.delivery_attempt == 10
    dead = stub.ListDeadMessages(protos.ListDeadMessagesRequest(subscription=subscription), timeout=WITHIN_S)
    assert [each.message_id for each in dead.messages] == [message.message_id]
    listed = stub.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=WITHIN_S).subscriptions
    (own,) = (each for each in listed if each.subscription == subscription)
    assert (own.backlog, own.dead_messages) == (0, 1)
    requeue = protos.RequeueMessagesRequest(subscription=subscription)
    assert stub.RequeueMessages(requeue, timeout=WITHIN_S).requeued == 1
    (again,) = pull(stub, subscription)
    assert (again.message_id, again.delivery_attempt) == (message.message_id, 1)


def test_other_topics_are_a_mismatch_and_unknown_names_are_not_found(stub, subscription, details) -> None:
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
            call(request, timeout=WITHIN_S)
        assert failure.value.code().name == status
        assert details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"


def test_a_stream_gets_messages_as_they_come(order_sync, stub, subscription) -> None:
    stream = Stream(stub, subscription)
    order = an_order()
    for second in (1, 2, 3):
        assert push(order_sync.callback, order_message(order, second)) == 200
        message = stream.next()
        assert message.order.cbu_order_id == order
        stream.ack(message)
    stream.close()
    assert stream.end() is None
    assert pull(stub, subscription) == []


def test_all_that_was_said_before_the_end_is_done(order_sync, stub, subscription) -> None:
    stream = Stream(stub, subscription)
    for second in range(30):
        assert push(order_sync.callback, order_message(an_order(), second)) == 200
    messages = [stream.next() for _ in range(30)]
    for message in messages[1:]:
        stream.ack(message)
    stream.say(set_lease={"message_ids": [messages[0].message_id], "lease": {"seconds": 0}})
    again = stream.next()
    assert (again.message_id, again.delivery_attempt) == (messages[0].message_id, 2)
    stream.ack(again)
    stream.close()
    assert stream.end() is None
    assert pull(stub, subscription) == []
    (own,) = (
        each
        for each in stub.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=WITHIN_S).subscriptions
        if each.subscription == subscription
    )
    assert own.backlog == 0


def test_a_stream_has_no_more_out_than_it_asked_for(order_sync, stub, subscription) -> None:
    stream = Stream(stub, subscription, max_outstanding=2)
    for second in range(4):
        assert push(order_sync.callback, order_message(an_order(), second)) == 200
    first, _second = stream.next(), stream.next()
    with pytest.raises(queue.Empty):
        stream.got.get(timeout=0.5)
    stream.ack(first)
    assert stream.next().message_id != first.message_id
    stream.call.cancel()


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_what_a_stream_leaves_is_handed_out_at_once(end: str, order_sync, stub, subscription) -> None:
    stream = Stream(stub, subscription, lease={"seconds": 600})
    assert push(order_sync.callback, order_message(an_order(), 1)) == 200
    message = stream.next()
    if end == "close":
        stream.close()
        assert stream.end() is None
    else:
        stream.call.cancel()
    (again,) = pull(stub, subscription, wait_s=15)
    assert (again.message_id, again.delivery_attempt) == (message.message_id, 2)


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
def test_a_stream_that_is_not_opened_rightly(requests, field, stub, details) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        list(
            stub.StreamMessages(
                iter(protos.StreamMessagesRequest(**each) for each in requests), timeout=WITHIN_S
            )
        )
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [each.field for each in details(failure.value)["BadRequest"].field_violations] == [field]


def test_a_drain_ends_streams_and_loses_nothing(running_sandbox, details) -> None:
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0"}
    service = start_service("order_sync", running_sandbox.address, settings, log="test-drain")
    with grpc.insecure_channel(service.address) as channel:
        stub = OrderSyncServiceStub(channel)
        for name in ("drained", "other"):
            pull(stub, name)
        stream = Stream(stub, "drained")
        pushing = Stream(stub, "other", max_outstanding=1)
        assert push(service.callback, order_message(an_order(), 1)) == 200
        assert stream.next().message_id == pushing.next().message_id
        started = time.monotonic()
        assert stop(service) == 0
        assert time.monotonic() - started < 10
        for each in (stream, pushing):
            ended = each.end()
            assert ended.code() is grpc.StatusCode.UNAVAILABLE
            assert details(ended)["ErrorInfo"].reason == "ERROR_REASON_DRAINING"


def test_readiness_is_told_with_the_store(order_sync) -> None:
    with urllib.request.urlopen(f"{order_sync.http}/readyz", timeout=WITHIN_S) as answer:
        assert answer.status == 200
