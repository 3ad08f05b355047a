"""What the metrics say of what waits in the store."""

import pytest
from prometheus_client import REGISTRY

from services.store import SubscriptionName
from tests.store.given import NAME, NOW_MS, message, order


def shown(metric: str, subscription: SubscriptionName | None = None) -> float | None:
    labels = {"caller": subscription.caller, "subscription": subscription.name} if subscription else {}
    return REGISTRY.get_sample_value(f"nationalsite_{metric}", labels)


@pytest.fixture
async def watched(opened):
    """A replica that looks only when it is told to, after its first look."""
    async with opened(backlog_metrics_interval_s=3600) as storage:
        await storage.backlog_metrics.update()
        yield storage


async def test_backlog_and_age_go_by_subscription(watched, clock):
    other = SubscriptionName(caller="shop", name="other")
    for name in (NAME, other):
        await watched.subscriptions.get_or_create(name)
    await watched.inbox.store(
        [message(number, event_time_ms=NOW_MS - 1000 * number) for number in range(1, 4)]
    )
    await watched.dispatcher.lease(NAME, limit=1, lease_s=600, wait_s=0)
    await watched.dispatcher.ack(NAME, ["m3"])  # the oldest
    clock.pass_s(60)
    await watched.backlog_metrics.update()
    assert [shown("messages_backlog", name) for name in (NAME, other)] == [2, 3]
    assert [shown("message_oldest_age_seconds", name) for name in (NAME, other)] == [62, 63]
    assert shown("messages_dead", NAME) == 0

    await watched.dispatcher.lease(NAME, limit=2, lease_s=600, wait_s=0)
    await watched.dispatcher.ack(NAME, ["m1", "m2"])
    await watched.subscriptions.delete(other)
    await watched.backlog_metrics.update()
    assert shown("messages_backlog", NAME) == 0
    assert shown("message_oldest_age_seconds", NAME) == 0
    assert shown("messages_backlog", other) is None


async def test_pending_deliveries_and_their_age(watched, clock):
    assert shown("deliveries_pending") == 0
    assert shown("delivery_oldest_age_seconds") == 0
    for number in range(3):
        await watched.deliveries.enqueue(order(number))
        clock.pass_s(10)
    await watched.backlog_metrics.update()
    assert shown("deliveries_pending") == 3
    assert shown("delivery_oldest_age_seconds") == 30
    assert shown("deliveries_dead") == 0
