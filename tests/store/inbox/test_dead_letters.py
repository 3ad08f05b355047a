"""Dead messages are listed, requeued and acknowledged."""

import pytest

from services.errors import InvalidRequest
from services.store import SubscriptionLimits
from tests.store.factories import NAME, NOW_MS, build_message
from tests.store.inbox.leasing import get_ids, lease


async def test_a_message_is_dead_after_max_delivery_attempts_until_it_is_requeued(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=2)) as storage:
        await lease(storage)
        await storage.inbox.store(
            [build_message(1, order="a"), build_message(2, order="a"), build_message(3)]
        )
        for _ in range(2):
            assert get_ids(await lease(storage, lease_s=10)) == ["m1", "m3"]
            clock.advance_s(10)

        (subscription,) = await storage.subscriptions.list("shop")
        assert (subscription.backlog, subscription.dead_messages) == (1, 2)
        assert subscription.oldest_event_time_ms == NOW_MS + 2
        assert get_ids(await lease(storage)) == ["m2"], "a dead message does not block the next of its order"

        page = await storage.dead_letters.list(NAME, page_size=1)
        last = await storage.dead_letters.list(NAME, page_size=1, page_token=page.next_page_token)
        assert (get_ids(page.items), get_ids(last.items), last.next_page_token) == (["m3"], ["m1"], "")
        assert page.items[0].delivery_attempt == 2
        assert await storage.dead_letters.requeue(NAME, ["m3", "m2", "m9"]) == 1
        (again,) = await lease(storage)
        assert (again.message_id, again.delivery_attempt) == ("m3", 1)
        assert await storage.dead_letters.requeue(NAME) == 1
        assert await lease(storage) == [], "m2 of the order is leased"
        await storage.dispatcher.ack(NAME, ["m2"])
        assert get_ids(await lease(storage)) == ["m1"]


async def test_a_dead_message_can_still_be_acknowledged(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        await lease(storage)
        await storage.inbox.store([build_message(1)])
        await lease(storage, lease_s=10)
        clock.advance_s(11)
        assert len((await storage.dead_letters.list(NAME)).items) == 1
        assert await storage.dispatcher.ack(NAME, ["m1"]) == 1
        assert (await storage.dead_letters.list(NAME)).items == []


@pytest.mark.parametrize("token", ["x", "MTo", "MjoxMg", "é", "MToxMg==", "MTotMQ"])
async def test_an_invalid_page_token_is_rejected(storage, token):
    await lease(storage)
    with pytest.raises(InvalidRequest):
        await storage.dead_letters.list(NAME, page_token=token)
