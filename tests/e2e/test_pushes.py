"""1688's messages the whole way: something happens to an order, 1688 pushes, a consumer of ours is told."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.e2e.consumer import WITHIN_S, Stream, pull
from tools.local_stack import stop

LIFE = {
    "pay": "ORDER_BUYER_VIEW_ORDER_PAY",
    "ship": "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
    "receive": "ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS",
    "succeed": "ORDER_BUYER_VIEW_ORDER_SUCCESS",
}
"""Step of an order to the topic that tells of it."""
TOPICS = ["ORDER_BUYER_VIEW_BUYER_MAKE", *LIFE.values()]
STATUSES = ["waitbuyerpay", "waitsellersend", "waitbuyerreceive", "confirm_goods_and_has_subsidy", "success"]


@pytest.fixture
def stub(running) -> Iterator[OrderSyncServiceStub]:
    with grpc.insecure_channel(running["order_sync", "national-site"].address) as channel:
        yield OrderSyncServiceStub(channel)


def live(sandbox: Any) -> int:
    """Let an order live from its making to its success; return its id."""
    order_id = sandbox.admin("POST", "orders", {})["order_id"]
    for step in LIFE:
        sandbox.admin("POST", f"orders/{order_id}/{step}")
    return int(order_id)


def until_pushed(sandbox: Any, messages: int) -> None:
    """Wait until so many messages were taken, and nothing is on its way."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        told = sandbox.admin("GET", "push")
        if (told["pushed"], told["queued"], told["in_flight"]) == (messages, 0, 0):
            return
        assert time.monotonic() < deadline, told


def events(stream: Stream, messages: int) -> dict[int, list[tuple[str, str]]]:
    """Take and acknowledge so many messages; return topic and status of each by its order."""
    found: dict[int, list[tuple[str, str]]] = {}
    for _ in range(messages):
        message = stream.next()
        event = message.order
        found.setdefault(event.cbu_order_id, []).append((message.topic, event.current_status))
        stream.ack(message)
    return found


def test_an_orders_life_is_told_as_it_happens(running, sandbox, stub) -> None:
    subscription = f"life-{uuid.uuid4().hex[:12]}"
    pull(stub, subscription)
    stream = Stream(stub, subscription)
    sandbox.admin("PUT", "push", {"callback_url": running["order_sync", "national-site"].callback})
    order = sandbox.admin("POST", "orders", {})
    told = [stream.next()]
    for step in LIFE:
        stream.ack(told[-1])
        sandbox.admin("POST", f"orders/{order['order_id']}/{step}")
        told.append(stream.next())
    assert [message.topic for message in told] == TOPICS
    assert [message.order.current_status for message in told] == STATUSES
    assert {message.order.cbu_order_id for message in told} == {order["order_id"]}
    assert {message.delivery_attempt for message in told} == {1}
    until_pushed(sandbox, len(TOPICS))
    stream.call.cancel()


def test_pushes_that_come_twice_and_out_of_order(running, sandbox, stub) -> None:
    """What happened to one order comes once each; what was stored before it was handed out by its time."""
    subscription = f"shuffled-{uuid.uuid4().hex[:12]}"
    pull(stub, subscription)
    callback = running["order_sync", "national-site"].callback
    sandbox.admin(
        "PUT", "push", {"callback_url": callback, "paused": True, "shuffle": True, "duplicate_rate": 1}
    )
    paid = {"topic": LIFE["pay"], "times": 40, "order_count": 4}
    sandbox.admin("POST", "messages", paid)
    sandbox.admin("PUT", "push", {"paused": False})
    until_pushed(sandbox, 40)
    assert sandbox.admin("GET", "push")["attempts"] == 80
    stream = Stream(stub, subscription)
    sent: dict[int, list[int]] = {}
    for _ in range(40):
        message = stream.next()
        sent.setdefault(message.order.cbu_order_id, []).append(message.order.send_time.seconds)
        stream.ack(message)
    assert len(sent) == 4
    assert all(len(set(times)) == 10 and times == sorted(times) for times in sent.values())
    stream.close()
    assert stream.end() is None
    assert pull(stub, subscription) == []


def test_a_restart_loses_nothing(alone, sandbox, tmp_path: Path) -> None:
    """Nobody takes the pushes for a while; what was stored, and who subscribed, outlives the process."""
    settings = {
        "NATIONALSITE_REPLAY_SECONDS": "0",
        "NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'store.db'}",
    }
    service, _ = alone("order_sync", settings=settings)
    with grpc.insecure_channel(service.address) as channel:
        pull(OrderSyncServiceStub(channel), "outlives")
    sandbox.admin(
        "PUT", "push", {"callback_url": service.callback, "max_retries": 20, "retry_interval_ms": 100}
    )
    orders = [live(sandbox)]
    until_pushed(sandbox, len(TOPICS))

    assert stop(service) == 0
    orders.append(live(sandbox))
    deadline = time.monotonic() + WITHIN_S
    while sandbox.admin("GET", "push")["attempts"] < 2 * len(TOPICS):
        assert time.monotonic() < deadline
    sandbox.admin("PUT", "push", {"paused": True})  # a start may take longer than 1688's tries
    again, _ = alone("order_sync", settings=settings)
    sandbox.admin("PUT", "push", {"callback_url": again.callback, "paused": False})
    orders.append(live(sandbox))
    until_pushed(sandbox, 3 * len(TOPICS))

    with grpc.insecure_channel(again.address) as channel:
        stub = OrderSyncServiceStub(channel)
        stream = Stream(stub, "outlives")
        told = events(stream, 3 * len(TOPICS))
        stream.close()
        assert stream.end() is None
        assert pull(stub, "outlives") == []
    assert {order: sorted(each) for order, each in told.items()} == dict.fromkeys(
        orders, sorted(zip(TOPICS, STATUSES, strict=True))
    )
