"""Dead messages are listed, requeued and acknowledged."""

import pytest

from services.errors import InvalidRequest
from services.store import SubscriptionLimits
from tests.store.factories import NAME, NOW_MS, build_message
from tests.store.leasing import ack, get_ids, lease, set_lease, subscribe


async def test_a_message_is_dead_after_max_delivery_attempts_until_it_is_requeued(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=2)) as storage:
        subscription_id = await subscribe(storage)
        await storage.inbox.store(
            [build_message(1, order="a"), build_message(2, order="a"), build_message(3)]
        )
        for _ in range(2):
            assert get_ids(await lease(storage, lease_s=10)) == ["m1", "m3"]
            clock.advance_s(10)

        subscription = await storage.subscriptions.get(NAME)
        assert (subscription.backlog, subscription.dead_messages) == (1, 2)
        assert subscription.oldest_event_time_ms == NOW_MS + 2
        second = await lease(storage)
        assert get_ids(second) == ["m2"], "a dead message does not block the next of its order"

        dead_letters = storage.dead_letters
        page = await dead_letters.list(subscription_id, page_size=1)
        last = await dead_letters.list(subscription_id, page_size=1, page_token=page.next_page_token)
        assert (get_ids(page.items), get_ids(last.items), last.next_page_token) == (["m3"], ["m1"], "")
        assert page.items[0].delivery_attempts == 2
        assert page.items[0].dead_time_ms == clock.now_ms
        assert await dead_letters.requeue(subscription_id, ["m3", "m2", "m9"]) == 1
        (again,) = await lease(storage)
        assert (again.message.message_id, again.delivery_attempt) == ("m3", 1)
        assert await dead_letters.requeue(subscription_id) == 1
        assert await lease(storage) == [], "m2 of the order is leased"
        await ack(storage, second)
        assert get_ids(await lease(storage)) == ["m1"]


async def test_a_message_that_is_released_after_its_last_delivery_is_dead(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        subscription_id = await subscribe(storage)
        await storage.inbox.store([build_message(1)])
        received = await lease(storage, lease_s=30)
        clock.advance_s(10)
        assert await set_lease(storage, received, 0) == []
        (dead,) = (await storage.dead_letters.list(subscription_id)).items
        assert dead.dead_time_ms == clock.now_ms


async def test_a_dead_message_can_still_be_acknowledged(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        subscription_id = await subscribe(storage)
        await storage.inbox.store([build_message(1)])
        received = await lease(storage, lease_s=10)
        clock.advance_s(11)
        assert len((await storage.dead_letters.list(subscription_id)).items) == 1
        assert await ack(storage, received) == []
        assert (await storage.dead_letters.list(subscription_id)).items == []


@pytest.mark.parametrize("token", ["x", "MTo", "MjoxMg", "é", "MToxMg==", "MTotMQ"])
async def test_an_invalid_page_token_is_rejected(storage, token):
    subscription_id = await subscribe(storage)
    with pytest.raises(InvalidRequest):
        await storage.dead_letters.list(subscription_id, page_token=token)
