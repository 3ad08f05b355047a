"""1688's messages end to end: an order changes, 1688 pushes a message, a consumer receives it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.e2e.conftest import ServicePool, StartDedicated
from tests.support.consumers import StreamConsumer, create_subscription, pull
from tests.support.polling import wait_until
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import stop

TOPIC_BY_TRANSITION = {
    "pay": "ORDER_BUYER_VIEW_ORDER_PAY",
    "ship": "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
    "receive": "ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS",
    "succeed": "ORDER_BUYER_VIEW_ORDER_SUCCESS",
}
"""A transition of an order -> the topic of its message."""
TOPICS = ["ORDER_BUYER_VIEW_BUYER_MAKE", *TOPIC_BY_TRANSITION.values()]
STATUSES = ["waitbuyerpay", "waitsellersend", "waitbuyerreceive", "confirm_goods_and_has_subsidy", "success"]


@pytest.fixture
def stub(running_services: ServicePool) -> Iterator[OrderSyncServiceStub]:
    with grpc.insecure_channel(running_services["order_sync", "national-site"].address) as channel:
        yield OrderSyncServiceStub(channel)


def complete_order(sandbox: SandboxClient) -> int:
    """Create an order and take it through all its transitions; return its id."""
    order_id = sandbox.admin("POST", "orders", {})["order_id"]
    for transition in TOPIC_BY_TRANSITION:
        sandbox.admin("POST", f"orders/{order_id}/{transition}")
    return int(order_id)


def wait_until_pushed(sandbox: SandboxClient, messages: int) -> None:
    """Wait until the callback has accepted so many messages and none is queued or in flight."""

    def is_pushed() -> bool:
        status = sandbox.admin("GET", "push")
        return (status["pushed"], status["queued"], status["in_flight"]) == (messages, 0, 0)

    wait_until(is_pushed)


def receive_events(stream: StreamConsumer, count: int) -> dict[int, list[tuple[str, str]]]:
    """Receive and acknowledge messages; return the topic and the status of each, by order."""
    events: dict[int, list[tuple[str, str]]] = {}
    for _ in range(count):
        received = stream.next()
        event = received.message.order
        events.setdefault(event.cbu_order_id, []).append((received.message.topic, event.current_status))
        stream.ack(received)
    return events


def test_order_messages_arrive_as_the_order_changes(
    running_services: ServicePool, sandbox: SandboxClient, stub: OrderSyncServiceStub
) -> None:
    subscription = f"life-{uuid.uuid4().hex[:12]}"
    create_subscription(stub, subscription)
    stream = StreamConsumer(stub, subscription)
    sandbox.admin("PUT", "push", {"callback_url": running_services["order_sync", "national-site"].callback})
    order = sandbox.admin("POST", "orders", {})
    received = [stream.next()]
    for transition in TOPIC_BY_TRANSITION:
        stream.ack(received[-1])
        sandbox.admin("POST", f"orders/{order['order_id']}/{transition}")
        received.append(stream.next())
    messages = [each.message for each in received]
    assert [message.topic for message in messages] == TOPICS
    assert [message.order.current_status for message in messages] == STATUSES
    assert {message.order.cbu_order_id for message in messages} == {order["order_id"]}
    assert {each.delivery_attempt for each in received} == {1}
    wait_until_pushed(sandbox, len(TOPICS))
    stream.call.cancel()


def test_duplicate_and_shuffled_pushes_are_delivered_once_in_order(
    running_services: ServicePool, sandbox: SandboxClient, stub: OrderSyncServiceStub
) -> None:
    """Each message of an order is delivered once; messages that wait in the store are delivered by time."""
    subscription = f"shuffled-{uuid.uuid4().hex[:12]}"
    create_subscription(stub, subscription)
    callback = running_services["order_sync", "national-site"].callback
    sandbox.admin(
        "PUT", "push", {"callback_url": callback, "paused": True, "shuffle": True, "duplicate_rate": 1}
    )
    paid = {"topic": TOPIC_BY_TRANSITION["pay"], "times": 40, "order_count": 4}
    sandbox.admin("POST", "messages", paid)
    sandbox.admin("PUT", "push", {"paused": False})
    wait_until_pushed(sandbox, 40)
    assert sandbox.admin("GET", "push")["attempts"] == 80
    stream = StreamConsumer(stub, subscription)
    sent: dict[int, list[int]] = {}
    for _ in range(40):
        received = stream.next()
        order = received.message.order
        sent.setdefault(order.cbu_order_id, []).append(order.send_time.seconds)
        stream.ack(received)
    assert len(sent) == 4
    assert all(len(set(times)) == 10 and times == sorted(times) for times in sent.values())
    stream.close()
    assert stream.end() is None
    assert pull(stub, subscription) == []


@pytest.mark.slow
def test_a_restart_loses_no_message(
    start_dedicated: StartDedicated, sandbox: SandboxClient, tmp_path: Path
) -> None:
    """Messages and subscriptions survive the process; pushes while it is down arrive after its restart."""
    settings = {
        "NATIONALSITE_REPLAY_SECONDS": "0",
        "NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'store.db'}",
    }
    service, _ = start_dedicated("order_sync", settings=settings)
    with grpc.insecure_channel(service.address) as channel:
        create_subscription(OrderSyncServiceStub(channel), "durable")
    sandbox.admin(
        "PUT", "push", {"callback_url": service.callback, "max_retries": 20, "retry_interval_ms": 100}
    )
    orders = [complete_order(sandbox)]
    wait_until_pushed(sandbox, len(TOPICS))

    assert stop(service) == 0
    orders.append(complete_order(sandbox))
    wait_until(lambda: sandbox.admin("GET", "push")["attempts"] >= 2 * len(TOPICS))
    sandbox.admin("PUT", "push", {"paused": True})  # a start may take longer than all retries of the pushes
    restarted, _ = start_dedicated("order_sync", settings=settings)
    sandbox.admin("PUT", "push", {"callback_url": restarted.callback, "paused": False})
    orders.append(complete_order(sandbox))
    wait_until_pushed(sandbox, 3 * len(TOPICS))

    with grpc.insecure_channel(restarted.address) as channel:
        stub = OrderSyncServiceStub(channel)
        stream = StreamConsumer(stub, "durable")
        events = receive_events(stream, 3 * len(TOPICS))
        stream.close()
        assert stream.end() is None
        assert pull(stub, "durable") == []
    assert {order: sorted(order_events) for order, order_events in events.items()} == dict.fromkeys(
        orders, sorted(zip(TOPICS, STATUSES, strict=True))
    )
