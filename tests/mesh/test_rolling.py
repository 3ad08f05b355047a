"""A rolling restart of three replicas per service under constant load is not noticed."""

import asyncio
import time
import urllib.error
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.ordersync import v1 as orders
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.environment import CALLERS, Mesh
from tests.mesh.fleet import Fleet
from tests.mesh.load import CallLoad, Consumer
from tests.mesh.requests import SEARCH, order_status, registration, registration_counts
from tests.support.enqueue_client import build_status_sync
from tests.support.sandbox_client import SandboxClient

pytestmark = pytest.mark.mesh

DEPLOYED_SETTINGS = {
    "NATIONALSITE_DRAIN_DELAY_SECONDS": "5",
    "NATIONALSITE_GRACE_SECONDS": "25",
    # Not as deployed: connection_manager are replaced often, so that this happens under load too.
    "NATIONALSITE_CONNECTION_AGE_SECONDS": "10",
}
SETTLE_TIMEOUT_S = 60
SUBSCRIPTION = "shop"
MESSAGE_BATCH_SIZE = 8
DIRECT, ENQUEUED = 10_000, 20_000
"""Number of the first order that is synced directly, and by a delivery."""
DNS_DELAYS_S = (0.0, 2.0, None)
"""Per restart: when DNS drops the replica, after SIGTERM; None: after its exit."""


async def test_a_rolling_restart_is_not_noticed(mesh, report):
    accounts_1688, others_1688 = mesh.start_sandbox(), mesh.start_sandbox()
    fleets = [
        mesh.start_fleet("product", others_1688, **DEPLOYED_SETTINGS),
        mesh.start_fleet("order_sync", others_1688, **DEPLOYED_SETTINGS),
        mesh.start_fleet("account", accounts_1688, **DEPLOYED_SETTINGS),
    ]
    mesh.start_envoy()
    others_1688.admin(
        "PUT", "push", {"callback_url": f"http://{mesh.envoy.address('callback')}/callbacks/1688"}
    )
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(mesh.aio_channel(identity)) for identity in CALLERS.values()
        ]
        products, syncs, accounts = (
            ProductServiceStub(channels[0]),
            OrderSyncServiceStub(channels[1]),
            AccountServiceStub(channels[2]),
        )
        calls = [
            CallLoad("reads", products.SearchByKeyword, lambda _: SEARCH, 10),
            CallLoad("lists", syncs.ListSubscriptions, lambda _: orders.ListSubscriptionsRequest(), 5),
            CallLoad("registrations", accounts.RegisterUser, registration, 5),
            CallLoad("syncs", syncs.SyncOrderStatus, lambda number: order_status(DIRECT + number), 5),
            CallLoad(
                "enqueued", syncs.EnqueueSync, lambda number: build_status_sync(ENQUEUED + number, 0), 5
            ),
        ]
        consumers = [Consumer(syncs, SUBSCRIPTION) for _ in range(3)]
        consumer_tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
        load_tasks = [asyncio.create_task(load.run(stop)) for load in calls]
        load_tasks.append(asyncio.create_task(_push_messages(others_1688, stop)))
        restarts_s = [await _replace_replicas(mesh, fleets, DNS_DELAYS_S[number]) for number in range(3)]
        stop.set()
        *_, pushed = await asyncio.gather(*load_tasks)
        await _wait_until_settled(syncs, consumers, len(pushed))
        for task in consumer_tasks:
            task.cancel()
        await asyncio.wait(consumer_tasks)

    delivered = sum((consumer.delivered for consumer in consumers), Counter())
    acked = set().union(*(consumer.acked for consumer in consumers))
    ends = sum((consumer.ends for consumer in consumers), Counter())
    synced = {
        kind: Counter(len(_statuses(others_1688, first + number)) for number in range(calls[index].started))
        for kind, first, index in (("syncs", DIRECT, 3), ("enqueued", ENQUEUED, 4))
    }
    buyers = registration_counts(accounts_1688)
    ejections = sum(
        mesh.envoy.stat(f"cluster.{fleet.name}.outlier_detection.ejections_enforced_total")
        for fleet in fleets
    )
    retried = {fleet.name: mesh.envoy.stat(f"cluster.{fleet.name}.upstream_rq_retry") for fleet in fleets}
    pushes = others_1688.admin("GET", "push")
    failed = {load.name: dict(load.failed) for load in calls if load.failed}
    report(f"calls: {', '.join(map(str, calls))}; failed: {failed or 0}")
    report(f"at 1688: {max(buyers.values())} of each registration at most; statuses of an order: {synced}")
    report(
        f"{len(pushed)} messages, {len(acked)} acknowledged, "
        f"{delivered.total() - len(delivered)} redelivered; "
        f"{pushes['attempts']} pushes; streams ended: {dict(ends)}"
    )
    report(
        f"each slot replaced in {', '.join(f'{restart_s:.1f}' for restart_s in restarts_s)} s; "
        f"Envoy retried {retried}; {ejections} ejections"
    )
    assert not failed
    assert len(buyers) == calls[2].started
    assert set(buyers.values()) == {1}
    assert synced == {"syncs": {1: calls[3].started}, "enqueued": {1: calls[4].started}}
    assert acked == pushed
    assert ends.keys() == {"DRAINING"}
    assert ejections == 0


async def _replace_replicas(mesh: Mesh, fleets: list[Fleet], dns_delay_s: float | None) -> float:
    """Replace the oldest replica of each service, as a rollout does; return the duration."""
    started = time.monotonic()
    await asyncio.gather(*(_replace_replica(mesh, fleet, dns_delay_s) for fleet in fleets))
    return time.monotonic() - started


async def _replace_replica(mesh: Mesh, fleet: Fleet, dns_delay_s: float | None) -> None:
    old = next(iter(fleet.members))
    new = await asyncio.to_thread(fleet.start)
    fleet.publish()
    await asyncio.to_thread(mesh.envoy.wait_until, lambda: new in mesh.envoy.active_hosts(fleet.name))
    fleet.signal(old)
    if dns_delay_s is not None:
        await asyncio.sleep(dns_delay_s)
        fleet.publish(old)
    assert await asyncio.to_thread(fleet.wait_for_exit, old) == 0
    fleet.publish()


async def _push_messages(sandbox: SandboxClient, stop: asyncio.Event) -> set[str]:
    """Make the sandbox push messages until `stop` is set; return their ids."""
    message_ids: set[str] = set()
    body = {
        "topic": "ORDER_BUYER_VIEW_ORDER_PAY",
        "times": MESSAGE_BATCH_SIZE,
        "order_count": MESSAGE_BATCH_SIZE,
    }
    while not stop.is_set():
        response = await asyncio.to_thread(sandbox.admin, "POST", "messages", body)
        message_ids |= {str(message_id) for message_id in response["message_ids"]}
        await asyncio.sleep(0.5)
    return message_ids


async def _wait_until_settled(syncs: OrderSyncServiceStub, consumers: list[Consumer], messages: int) -> None:
    """Wait until every message is acknowledged and every delivery is finished."""
    pending = orders.ListDeliveriesRequest(states=[orders.DELIVERY_STATE_PENDING])
    async with asyncio.timeout(SETTLE_TIMEOUT_S):
        while (await syncs.ListDeliveries(pending)).deliveries:
            await asyncio.sleep(0.1)
        while (await syncs.ListSubscriptions(orders.ListSubscriptionsRequest())).subscriptions[0].backlog or (
            len(set().union(*(consumer.acked for consumer in consumers))) < messages
        ):
            await asyncio.sleep(0.1)


def _statuses(sandbox: SandboxClient, order: int) -> list[object]:
    """Return the statuses of an order that a sandbox received."""
    try:
        statuses: list[object] = sandbox.admin("GET", f"synced/orders/{order}")["status"]
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 404:
                raise
        return []
    return statuses
