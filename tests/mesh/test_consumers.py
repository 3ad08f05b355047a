"""A consumer whose replica drains continues on another one, with its unacknowledged messages."""

import time

import pytest
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.mesh.environment import CALLERS
from tests.mesh.load import LEASE_S
from tests.support.consumers import FROM_START, StreamConsumer
from tests.support.status_details import summarize_error

pytestmark = pytest.mark.mesh

NAME = "shop"
OUT = 40


def test_a_consumer_resumes_after_its_replica_has_drained(mesh, report):
    sandbox = mesh.start_sandbox()
    fleet = mesh.start_fleet("order_sync", sandbox, NATIONALSITE_DRAIN_DELAY_SECONDS="5")
    envoy = mesh.start_envoy()
    sandbox.admin("PUT", "push", {"callback_url": f"http://{envoy.address('callback')}/callbacks/1688"})
    stub = OrderSyncServiceStub(mesh.channel(CALLERS["order-sync"]))
    opened = {"create_if_missing": FROM_START, "max_outstanding": OUT, "lease": {"seconds": LEASE_S}}

    stream = StreamConsumer(stub, NAME, **opened)
    messages = {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": OUT, "order_count": OUT}
    pushed = set(map(str, sandbox.admin("POST", "messages", messages)["message_ids"]))
    out = [stream.next() for _ in range(OUT)]
    assert {received.message.message_id for received in out} == pushed
    stream.ack(*out[: OUT // 2])
    (old,) = (address for address, calls in fleet.calls("StreamMessages").items() if calls)

    fleet.signal(old)
    envoy.wait_until(lambda: old not in envoy.active_hosts("order-sync"))
    status, reason, delay_s = summarize_error(stream.end())
    ended = time.monotonic()
    assert (status, reason) == ("UNAVAILABLE", "DRAINING")
    assert delay_s == 0.1
    resumed = StreamConsumer(stub, NAME, **opened)
    again = {resumed.next().message.message_id for _ in range(OUT // 2)}
    again_s = time.monotonic() - ended
    assert again == {received.message.message_id for received in out[OUT // 2 :]}
    assert fleet.wait_for_exit(old) == 0
    (new,) = (address for address, calls in fleet.calls("StreamMessages").items() if calls)
    assert new != old
    resumed.call.cancel()
    report(f"its {len(again)} open messages came {again_s:.2f} s after its end, under leases of {LEASE_S} s")
    assert again_s < 5
