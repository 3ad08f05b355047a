"""The metrics of the backlog."""

import pytest
from prometheus_client import REGISTRY

from services.store import SubscriptionName
from tests.store.factories import NAME, NOW_MS, build_delivery, build_message


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
        await storage.subscriptions.get_or_create(name)
    await storage.inbox.store(
        [build_message(number, event_time_ms=NOW_MS - 1000 * number) for number in range(1, 4)]
    )
    await storage.dispatcher.lease(NAME, limit=1, lease_s=600, wait_s=0)
    await storage.dispatcher.ack(NAME, ["m3"])  # the oldest
    clock.advance_s(60)
    await storage.backlog_metrics.update()
    assert [read_metric("messages_backlog", name) for name in (NAME, other)] == [2, 3]
    assert [read_metric("message_oldest_age_seconds", name) for name in (NAME, other)] == [62, 63]
    assert read_metric("messages_dead", NAME) == 0

    await storage.dispatcher.lease(NAME, limit=2, lease_s=600, wait_s=0)
    await storage.dispatcher.ack(NAME, ["m1", "m2"])
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
