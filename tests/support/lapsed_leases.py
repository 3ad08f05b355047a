"""What a consumer may not do after its lease has ended, checked on running services."""

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Literal

from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.support.consumers import StreamConsumer, ack, create_subscription, pull, set_lease

ACTIONS = ("ack", "release", "extend", "none")
"""What the first consumer does with its message of each order. The end of its stream concerns all."""


def check_that_an_ended_lease_affects_nobody(
    first: OrderSyncServiceStub,
    second: OrderSyncServiceStub,
    push_text: Callable[[str], int],
    consume: Literal["pull", "stream"],
) -> None:
    """Let a consumer act after its leases have ended, while a second consumer has the messages.

    The consumers use the same subscription by different stubs, which may lead to different replicas.
    """
    subscription = f"lapsed-{uuid.uuid4().hex[:12]}"
    create_subscription(first, subscription)
    orders = {action: uuid.uuid4().int % 10**15 for action in ACTIONS}
    for step in (1, 2):
        for order_id in orders.values():
            assert push_text(_build_message(order_id, step)) == 200
    stream = None
    if consume == "stream":
        # As many messages as it may have: it gets no other ones while it knows nothing of the ends.
        stream = StreamConsumer(first, subscription, max_outstanding=len(ACTIONS), lease={"seconds": 600})
        firsts = _by_action([stream.next() for _ in ACTIONS], orders)
    else:
        firsts = _by_action(pull(first, subscription, lease={"seconds": 600}), orders)
    assert set_lease(second, subscription, *firsts.values(), seconds=0) == [], "the leases end"
    seconds = _by_action(pull(second, subscription, lease={"seconds": 600}), orders)
    assert [_step(each) for each in seconds.values()] == [1] * len(ACTIONS)
    assert {each.delivery_attempt for each in seconds.values()} == {2}

    if stream is None:
        assert ack(first, subscription, firsts["ack"]) == [firsts["ack"].ack_id]
        assert set_lease(first, subscription, firsts["release"], seconds=0) == [firsts["release"].ack_id]
        assert set_lease(first, subscription, firsts["extend"], seconds=600) == [firsts["extend"].ack_id]
    else:
        stream.ack(firsts["ack"])
        assert stream.next_lapsed() == [firsts["ack"].ack_id]
        stream.set_lease(firsts["release"], seconds=0)
        assert stream.next_lapsed() == [firsts["release"].ack_id]
        stream.set_lease(firsts["extend"], seconds=600)
        assert stream.next_lapsed() == [firsts["extend"].ack_id]
        stream.close()
        assert stream.end() is None

    assert pull(first, subscription) == [], "the second consumer has the first message of each order"
    # Its leases are running, each under its own ack id.
    assert set_lease(second, subscription, *seconds.values(), seconds=600) == []
    assert set_lease(second, subscription, seconds["extend"], seconds=0) == []
    (third,) = pull(first, subscription)
    assert (third.message, third.delivery_attempt) == (seconds["extend"].message, 3)
    assert ack(second, subscription, *seconds.values()) == [seconds["extend"].ack_id]
    assert ack(first, subscription, third) == []
    rest = _by_action(pull(second, subscription), orders)
    assert [_step(each) for each in rest.values()] == [2] * len(ACTIONS)


def _build_message(order_id: int, step: int) -> str:
    return json.dumps(
        {
            "msgId": uuid.uuid4().int % 10**15,
            "gmtBorn": 1_788_399_000_000 + step,
            "type": "ORDER_BUYER_VIEW_ORDER_PAY",
            "userInfo": "b2b-1",
            "data": {"orderId": order_id, "currentStatus": str(step)},
        }
    )


def _step(received: protos.ReceivedMessage) -> int:
    return int(received.message.order.current_status)


def _by_action(
    received: Sequence[protos.ReceivedMessage], orders: dict[str, int]
) -> dict[str, protos.ReceivedMessage]:
    by_order = {each.message.order.cbu_order_id: each for each in received}
    assert len(received) == len(by_order)
    return {action: by_order[order_id] for action, order_id in orders.items()}
