"""A lease whose messages did not reach their consumer is undone: it does not count as a delivery attempt."""

from services.store import SubscriptionLimits
from tests.store.factories import build_message
from tests.store.leasing import ack, get_ids, lease, subscribe


async def undo(storage, subscription_id, received):
    await storage.dispatcher.undo_lease(subscription_id, [each.ack_id for each in received], within_s=10)


async def test_the_messages_are_leased_again_as_if_for_the_first_time(storage, other_replica):
    subscription_id = await subscribe(storage)
    await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a"), build_message(3)])
    await undo(storage, subscription_id, await lease(storage))
    received = await lease(other_replica)
    assert get_ids(received) == ["m1", "m3"]
    assert {each.delivery_attempt for each in received} == {1}


async def test_a_message_that_became_dead_meanwhile_is_pending_again(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        subscription_id = await subscribe(storage)
        await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a")])
        unsent = await lease(storage, lease_s=10)
        clock.advance_s(10)
        second = await lease(storage, lease_s=600)
        assert get_ids(unsent) + get_ids(second) == ["m1", "m2"]
        await undo(storage, subscription_id, unsent)
        assert (await storage.dead_letters.list(subscription_id)).items == []
        await ack(storage, second)
        (received,) = await lease(storage)
        assert (received.message.message_id, received.delivery_attempt) == ("m1", 1)


async def test_a_later_lease_and_an_acknowledgement_stay(storage, clock):
    subscription_id = await subscribe(storage)
    await storage.inbox.store([build_message(1), build_message(2)])
    unsent = await lease(storage, lease_s=10)
    clock.advance_s(10)
    received = await lease(storage, lease_s=600)
    await ack(storage, received[:1])
    await undo(storage, subscription_id, unsent)
    assert await lease(storage) == []
    assert await ack(storage, received[1:]) == []
