"""Three replicas of each service are replaced one after another, under a steady load: nobody notices."""

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

from tests.durability.enqueuing import status_sync
from tests.mesh.asking import SEARCH, buyer, order_status, registered
from tests.mesh.fleet import Fleet
from tests.mesh.load import Calls, Consumer
from tests.mesh.running import CALLERS, Mesh
from tests.support.sandbox_client import SandboxClient

pytestmark = pytest.mark.mesh

AS_DEPLOYED = {
    "NATIONALSITE_DRAIN_DELAY_SECONDS": "5",
    "NATIONALSITE_GRACE_SECONDS": "25",
    # Not as deployed: connections are replaced often, so that this happens under load too.
    "NATIONALSITE_CONNECTION_AGE_SECONDS": "10",
}
SETTLE_S = 60
SUBSCRIPTION = "shop"
MESSAGES_AT_ONCE = 8
DIRECT, ENQUEUED = 10_000, 20_000
"""Numbers of the first order that is synced at once, and by a delivery."""
TOLD_LATE_S = (0.0, 2.0, None)
"""How long after SIGTERM a replica leaves the name, one after the other; None: when it has ended."""


async def test_a_rolling_restart_is_not_noticed(mesh, report):
    accounts_1688, others_1688 = mesh.sandbox(), mesh.sandbox()
    fleets = [
        mesh.fleet("product", others_1688, **AS_DEPLOYED),
        mesh.fleet("order_sync", others_1688, **AS_DEPLOYED),
        mesh.fleet("account", accounts_1688, **AS_DEPLOYED),
    ]
    mesh.start_envoy()
    others_1688.admin(
        "PUT", "push", {"callback_url": f"http://{mesh.envoy.address('callback')}/callbacks/1688"}
    )
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(mesh.channel_of_tasks(identity)) for identity in CALLERS.values()
        ]
        products, syncs, accounts = (
            ProductServiceStub(channels[0]),
            OrderSyncServiceStub(channels[1]),
            AccountServiceStub(channels[2]),
        )
        calls = [
            Calls("reads", products.SearchByKeyword, lambda _: SEARCH, 10),
            Calls("lists", syncs.ListSubscriptions, lambda _: orders.ListSubscriptionsRequest(), 5),
            Calls("registrations", accounts.RegisterUser, buyer, 5),
            Calls("syncs", syncs.SyncOrderStatus, lambda number: order_status(DIRECT + number), 5),
            Calls("enqueued", syncs.EnqueueSync, lambda number: status_sync(ENQUEUED + number, 0), 5),
        ]
        consumers = [Consumer(syncs, SUBSCRIPTION) for _ in range(3)]
        consuming = [asyncio.create_task(each.run()) for each in consumers]
        loading = [asyncio.create_task(each.run(stop)) for each in calls]
        loading.append(asyncio.create_task(_made(others_1688, stop)))
        restarts_s = [await _replaced(mesh, fleets, TOLD_LATE_S[number]) for number in range(3)]
        stop.set()
        *_, made = await asyncio.gather(*loading)
        await _settled(syncs, consumers, len(made))
        for task in consuming:
            task.cancel()
        await asyncio.wait(consuming)

    handed = sum((each.handed for each in consumers), Counter())
    acked = set().union(*(each.acked for each in consumers))
    ends = sum((each.ends for each in consumers), Counter())
    synced = {
        kind: Counter(len(_statuses(others_1688, first + number)) for number in range(calls[place].made))
        for kind, first, place in (("syncs", DIRECT, 3), ("enqueued", ENQUEUED, 4))
    }
    buyers = registered(accounts_1688)
    ejections = sum(
        mesh.envoy.stat(f"cluster.{fleet.name}.outlier_detection.ejections_enforced_total")
        for fleet in fleets
    )
    retried = {fleet.name: mesh.envoy.stat(f"cluster.{fleet.name}.upstream_rq_retry") for fleet in fleets}
    pushes = others_1688.admin("GET", "push")
    failed = {each.name: dict(each.failed) for each in calls if each.failed}
    report(f"calls: {', '.join(map(str, calls))}; failed: {failed or 0}")
    report(f"at 1688: {max(buyers.values())} of each registration at most; statuses of an order: {synced}")
    report(
        f"{len(made)} messages, {len(acked)} acknowledged, {handed.total() - len(handed)} came again; "
        f"{pushes['attempts']} pushes; streams ended: {dict(ends)}"
    )
    report(
        f"each slot replaced in {', '.join(f'{each:.1f}' for each in restarts_s)} s; "
        f"Envoy repeated {retried}; {ejections} ejections"
    )
    assert not failed
    assert len(buyers) == calls[2].made
    assert set(buyers.values()) == {1}
    assert synced == {"syncs": {1: calls[3].made}, "enqueued": {1: calls[4].made}}
    assert acked == made
    assert ends.keys() == {"DRAINING"}
    assert ejections == 0


async def _replaced(mesh: Mesh, fleets: list[Fleet], told_late_s: float | None) -> float:
    """Replace the oldest replica of each service, as a rollout does; return how long it took."""
    began = time.monotonic()
    await asyncio.gather(*(_replaced_one(mesh, fleet, told_late_s) for fleet in fleets))
    return time.monotonic() - began


async def _replaced_one(mesh: Mesh, fleet: Fleet, told_late_s: float | None) -> None:
    old = next(iter(fleet.members))
    new = await asyncio.to_thread(fleet.start)
    fleet.tell()
    await asyncio.to_thread(mesh.envoy.until, lambda: new in mesh.envoy.taking(fleet.name))
    fleet.signal(old)
    if told_late_s is not None:
        await asyncio.sleep(told_late_s)
        fleet.tell(old)
    assert await asyncio.to_thread(fleet.ended, old) == 0
    fleet.tell()


async def _made(sandbox: SandboxClient, stop: asyncio.Event) -> set[str]:
    """Have messages made and pushed until told to stop; return their ids."""
    made: set[str] = set()
    body = {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": MESSAGES_AT_ONCE, "order_count": MESSAGES_AT_ONCE}
    while not stop.is_set():
        answer = await asyncio.to_thread(sandbox.admin, "POST", "messages", body)
        made |= {str(each) for each in answer["message_ids"]}
        await asyncio.sleep(0.5)
    return made


async def _settled(syncs: OrderSyncServiceStub, consumers: list[Consumer], messages: int) -> None:
    """Wait until every message is acknowledged and every delivery done."""
    pending = orders.ListDeliveriesRequest(states=[orders.DELIVERY_STATE_PENDING])
    async with asyncio.timeout(SETTLE_S):
        while (await syncs.ListDeliveries(pending)).deliveries:
            await asyncio.sleep(0.1)
        while (await syncs.ListSubscriptions(orders.ListSubscriptionsRequest())).subscriptions[0].backlog or (
            len(set().union(*(each.acked for each in consumers))) < messages
        ):
            await asyncio.sleep(0.1)


def _statuses(sandbox: SandboxClient, order: int) -> list[object]:
    """Return the statuses of an order that arrived at a sandbox."""
    try:
        statuses: list[object] = sandbox.admin("GET", f"synced/orders/{order}")["status"]
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 404:
                raise
        return []
    return statuses
