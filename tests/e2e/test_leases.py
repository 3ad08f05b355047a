"""Leases of messages, subscriptions and their limits, through a running service."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.e2e.conftest import StartDedicated
from tests.support.callbacks import push
from tests.support.certificates import CertificateAuthority
from tests.support.consumers import (
    TIMEOUT_S,
    StreamConsumer,
    ack,
    create_subscription,
    delete_subscription,
    pull,
    set_lease,
)
from tests.support.lapsed_leases import check_that_an_ended_lease_affects_nobody
from tests.support.status_details import parse_reason, parse_status_details
from tools.local_stack import RunningProcess

MAX_RESPONSE_BYTES = 3 * 2**20
LONG_MESSAGES = 60
LONG_STATUS = "x" * 40_000
"""A message with this status has it in its text and in its fields."""


def push_message(order_sync: RunningProcess, status: str = "paid") -> str:
    """Push a message of an order of its own. Return its id."""
    message_id = uuid.uuid4().int % 10**15
    text = json.dumps(
        {
            "msgId": message_id,
            "type": "ORDER_BUYER_VIEW_ORDER_PAY",
            "data": {"orderId": message_id, "currentStatus": status},
        }
    )
    assert push(order_sync.callback, text) == 200
    return str(message_id)


def invalid_fields(error: grpc.RpcError) -> list[str]:
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    return [violation.field for violation in parse_status_details(error)["BadRequest"].field_violations]


@pytest.mark.parametrize("consume", ["pull", "stream"])
def test_a_consumer_whose_lease_has_ended_does_not_affect_the_next_one(
    consume: Literal["pull", "stream"], order_sync: RunningProcess, stub: OrderSyncServiceStub
) -> None:
    check_that_an_ended_lease_affects_nobody(
        stub, stub, lambda text: push(order_sync.callback, text), consume
    )


@pytest.mark.slow
def test_a_stream_that_the_policy_no_longer_allows_ends_and_releases_its_messages(
    start_dedicated: StartDedicated, tmp_path: Path
) -> None:
    caller, service = "spiffe://shop.example/consumer", "nationalsite.ordersync.v1.OrderSyncService"

    def allow(*methods: str) -> None:
        rules = [{"callers": [caller], "methods": [f"{service}/{method}" for method in methods]}]
        (tmp_path / "new").write_text(json.dumps({"rules": rules}))
        (tmp_path / "new").rename(tmp_path / "policy.json")

    allow("message")
    authority = CertificateAuthority()
    (tmp_path / "ca").write_bytes(authority.cert)
    files = authority.issue().write(tmp_path) | {
        "tls_client_ca_file": tmp_path / "ca",
        "policy_file": tmp_path / "policy.json",
    }
    settings = {f"NATIONALSITE_{name.upper()}": str(path) for name, path in files.items()}
    order_sync, _ = start_dedicated("order_sync", settings=settings)
    credentials = authority.channel_credentials(authority.issue(caller))
    with grpc.secure_channel(order_sync.address, credentials) as channel:
        stub = OrderSyncServiceStub(channel)
        create_subscription(stub, "revoked")
        consumer = StreamConsumer(stub, "revoked", lease={"seconds": 600})
        message_id = push_message(order_sync)
        assert consumer.next().message.message_id == message_id
        allow("PullMessages")
        error = consumer.end()
        assert error is not None
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert parse_reason(error) == "CALLER_FORBIDDEN"
        (released,) = pull(stub, "revoked", wait_s=10)
        assert released.message.message_id == message_id


def test_nothing_is_done_if_an_ack_id_is_not_one_of_the_subscription(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    other = f"{subscription}-other"
    create_subscription(stub, other)
    push_message(order_sync)
    (received,), (others,) = pull(stub, subscription), pull(stub, other)
    assert received.message == others.message
    foreign = protos.ReceivedMessage(ack_id="no ack id of ours")
    for call in (
        lambda *each: ack(stub, subscription, *each),
        lambda *each: set_lease(stub, subscription, *each, seconds=0),
    ):
        with pytest.raises(grpc.RpcError) as failure:
            call(received, others, received, foreign)
        assert invalid_fields(failure.value) == ["ack_ids[1]", "ack_ids[3]"]
    assert pull(stub, subscription) == [], "the lease of the valid one is not ended"
    assert ack(stub, subscription, received) == []
    assert ack(stub, other, others) == []
    delete_subscription(stub, other)


def test_acknowledgements_on_a_stream_before_an_invalid_one_are_executed(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    acknowledged, kept = push_message(order_sync), push_message(order_sync)
    stream = StreamConsumer(stub, subscription)
    received = {each.message.message_id: each for each in (stream.next(), stream.next())}
    stream.ack(received[acknowledged])
    stream.send(ack={"ack_ids": [received[kept].ack_id, "x"]})
    error = stream.end()
    assert error is not None
    assert invalid_fields(error) == ["ack.ack_ids[1]"]
    (redelivered,) = pull(stub, subscription, wait_s=10)
    assert redelivered.message.message_id == kept


def test_a_new_subscription_rejects_the_ack_ids_of_a_deleted_one_of_its_name(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    push_message(order_sync)
    (received,) = pull(stub, subscription)
    stream = StreamConsumer(stub, subscription)
    delete_subscription(stub, subscription)
    error = stream.end()
    assert error is not None
    assert parse_status_details(error)["ErrorInfo"].reason == "ERROR_REASON_SUBSCRIPTION_NOT_FOUND"
    create_subscription(stub, subscription)
    with pytest.raises(grpc.RpcError) as failure:
        ack(stub, subscription, received)
    assert invalid_fields(failure.value) == ["ack_ids[0]"]


@pytest.mark.parametrize("consume", ["pull", "stream"])
def test_responses_with_messages_end_before_3_mib(
    consume: str, order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    pushed = [push_message(order_sync, LONG_STATUS) for _ in range(LONG_MESSAGES)]
    responses: list[Any] = []
    if consume == "pull":
        request = protos.PullMessagesRequest(subscription=subscription, max_messages=10**6, wait={})
        while (response := stub.PullMessages(request, timeout=TIMEOUT_S)).received_messages:
            responses.append(response)
    else:
        stream = StreamConsumer(stub, subscription, max_outstanding=1000)
        for _ in pushed:
            stream.next()
        responses = [response.delivered for response in stream.all_responses]
        stream.call.cancel()
    received = [each for response in responses for each in response.received_messages]
    assert sorted(each.message.message_id for each in received) == sorted(pushed)
    check_sizes(responses)


def test_pages_of_dead_messages_end_before_3_mib(
    order_sync: RunningProcess, stub: OrderSyncServiceStub, subscription: str
) -> None:
    pushed = [push_message(order_sync, LONG_STATUS) for _ in range(LONG_MESSAGES)]
    while received := pull(stub, subscription, max_messages=1000):
        assert set_lease(stub, subscription, *received, seconds=0) == []
    request = protos.ListDeadMessagesRequest(subscription=subscription, page_size=10**6)
    responses = [stub.ListDeadMessages(request, timeout=TIMEOUT_S)]
    while responses[-1].next_page_token:
        request.page_token = responses[-1].next_page_token
        responses.append(stub.ListDeadMessages(request, timeout=TIMEOUT_S))
    dead = [each for response in responses for each in response.dead_messages]
    assert [each.message.message_id for each in dead] == pushed[::-1]
    check_sizes(responses)


def check_sizes(responses: Sequence[Any]) -> None:
    sizes = [response.ByteSize() for response in responses]
    assert max(sizes) < MAX_RESPONSE_BYTES < sum(sizes)
    assert len(sizes) < LONG_MESSAGES


@pytest.mark.slow
def test_subscriptions_have_a_limit_and_are_listed_in_pages(start_dedicated: StartDedicated) -> None:
    process, _ = start_dedicated("order_sync", settings={"NATIONALSITE_REPLAY_SECONDS": "0"})
    with grpc.insecure_channel(process.address) as channel:
        stub = OrderSyncServiceStub(channel)
        names = [f"s{number:03}" for number in range(100)]
        for name in names:
            create_subscription(stub, name, topics=[f"T-{name}"])
        with pytest.raises(grpc.RpcError) as failure:
            create_subscription(stub, "one-more")
        create_subscription(stub, names[0], topics=[f"T-{names[0]}"])
        pages, token = [], ""
        while token or not pages:
            request = protos.ListSubscriptionsRequest(page_size=40, page_token=token)
            response = stub.ListSubscriptions(request, timeout=TIMEOUT_S)
            pages.append([listed.subscription for listed in response.subscriptions])
            token = response.next_page_token
        got = stub.GetSubscription(protos.GetSubscriptionRequest(subscription="s099"), timeout=TIMEOUT_S)
    assert failure.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = parse_status_details(failure.value)
    assert details["ErrorInfo"].reason == "ERROR_REASON_SUBSCRIPTION_LIMIT"
    assert details.keys() == {"ErrorInfo", "QuotaFailure"}
    trailers: dict[str, Any] = dict(failure.value.trailing_metadata() or ())
    assert trailers["grpc-retry-pushback-ms"] == "-1"
    assert pages == [names[:40], names[40:80], names[80:]]
    assert list(got.subscription.topics) == ["T-s099"]
    assert got.subscription == response.subscriptions[-1]
