"""The metrics of the backlog."""

import asyncio
from itertools import count

import pytest
from prometheus_client import REGISTRY

from services.errors import StoreUnavailable
from services.store import IdempotentRequest, SubscriptionName
from services.store.bootstrap import MAX_METRICS_SHARE, get_pause_s, run_periodically
from tests.store.factories import NAME, NOW_MS, build_delivery, build_message, build_request_fields
from tests.store.leasing import ack, lease, subscribe


def read_metric(metric: str, subscription: SubscriptionName | None = None) -> float | None:
    labels = {"caller": subscription.caller, "subscription": subscription.name} if subscription else {}
    return REGISTRY.get_sample_value(f"nationalsite_{metric}", labels)


@pytest.fixture
async def storage(open_storage):
    """A replica that updates the metrics only when the test does."""
    async with open_storage(backlog_metrics_interval_s=3600) as storage:
        await storage.backlog_metrics.update()
        yield storage


async def test_backlog_and_age_by_subscription(storage, clock):
    other = SubscriptionName(caller="shop", name="other")
    for name in (NAME, other):
        await subscribe(storage, name)
    await storage.inbox.store(
        [build_message(number, event_time_ms=NOW_MS - 1000 * number) for number in range(1, 4)]
    )
    await ack(storage, await lease(storage, limit=1))  # the oldest, m3
    clock.advance_s(60)
    await storage.backlog_metrics.update()
    assert [read_metric("messages_backlog", name) for name in (NAME, other)] == [2, 3]
    assert [read_metric("message_oldest_age_seconds", name) for name in (NAME, other)] == [62, 63]
    assert read_metric("messages_dead", NAME) == 0

    await ack(storage, await lease(storage, limit=2))
    await storage.subscriptions.delete(other)
    await storage.backlog_metrics.update()
    assert read_metric("messages_backlog", NAME) == 0
    assert read_metric("message_oldest_age_seconds", NAME) == 0
    assert read_metric("messages_backlog", other) is None


async def test_number_and_age_of_pending_deliveries(storage, clock):
    assert read_metric("deliveries_pending") == 0
    assert read_metric("delivery_oldest_age_seconds") == 0
    for number in range(3):
        await storage.deliveries.enqueue(build_delivery(number))
        clock.advance_s(10)
    await storage.backlog_metrics.update()
    assert read_metric("deliveries_pending") == 3
    assert read_metric("delivery_oldest_age_seconds") == 30
    assert read_metric("deliveries_dead") == 0


async def test_number_of_unknown_creations(storage):
    for number in range(3):
        fields = build_request_fields(
            request_id=f"r{number}", resource_id="" if number == 0 else f"o{number}"
        )
        started = await storage.idempotency_keys.start(
            IdempotentRequest(**fields), lease_s=30, is_idempotent=False
        )
        await storage.idempotency_keys.record_unknown(started)
    await storage.backlog_metrics.update()
    assert read_metric("creations_unknown") == 2
    assert await storage.idempotency_keys.decide("Sync", "o1", None)
    await storage.backlog_metrics.update()
    assert read_metric("creations_unknown") == 1


@pytest.mark.parametrize(("duration_s", "pause_s"), [(0.001, 15), (0.15, 15), (0.2, 19.8), (2, 198)])
def test_a_large_backlog_is_counted_less_often(duration_s, pause_s):
    assert get_pause_s(duration_s, 15, MAX_METRICS_SHARE) == pytest.approx(pause_s)


@pytest.mark.parametrize("error", [None, StoreUnavailable("the store hangs")])
async def test_one_slow_update_does_not_delay_the_next_one(error):
    """The first one after the start is slow, and so is one that ends with the timeout of the store."""
    is_updated_again = asyncio.Event()
    updates = count()

    async def update() -> None:
        if next(updates):
            is_updated_again.set()
        else:
            await asyncio.sleep(0.05)
        if error:
            raise error

    updating = asyncio.create_task(run_periodically("updates", update, 0.01, max_share=0.0001))
    try:
        async with asyncio.timeout(10):  # a pause for 0.05 s of work would take 500 s
            await is_updated_again.wait()
    finally:
        updating.cancel()
        await asyncio.wait([updating])
