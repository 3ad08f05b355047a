"""Messages are released if the transaction that leased them was committed, and its response was lost."""

import asyncio

import pytest

from services.errors import StoreUnavailable
from tests.store.factories import build_message, wait_until
from tests.store.leasing import ack, get_ids, lease, set_lease, subscribe
from tests.store.lost_commits import delay_commit, lose_commits, wait_until_a_lock_is_awaited


async def test_messages_are_released_after_a_lost_response(storage, other_replica):
    await subscribe(storage)
    await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a"), build_message(3)])
    with lose_commits(storage.store, committed=1), pytest.raises(StoreUnavailable):
        await lease(storage, lease_s=600)
    received = await lease(other_replica)
    assert get_ids(received) == ["m1", "m3"]
    assert {each.delivery_attempt for each in received} == {1}


async def test_they_are_released_as_soon_as_the_store_is_available(storage):
    await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    waiting = asyncio.create_task(lease(storage, wait_s=30))
    with lose_commits(storage.store, committed=1, failed=2) as lost:
        with pytest.raises(StoreUnavailable):
            await lease(storage, lease_s=600)
        await wait_until(lambda: lost.is_done)
    async with asyncio.timeout(10):
        assert get_ids(await waiting) == ["m1"]


async def test_the_lease_of_another_consumer_is_not_released(storage, other_replica):
    """The transaction was not committed, and the other consumer's is the first lease of the message."""
    await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    with lose_commits(storage.store, failed=2) as lost:
        with pytest.raises(StoreUnavailable):
            await lease(storage, lease_s=600)
        assert lost.is_done
        received = await lease(other_replica, lease_s=600)
        await wait_until(lambda: not storage.store._retried_writes)
    assert await lease(storage) == []
    assert await set_lease(other_replica, received, 600) == []
    assert await ack(other_replica, received) == []


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_the_release_waits_for_a_commit_that_is_still_running(storage, other_replica):
    await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    async with delay_commit(storage.store):
        leasing = asyncio.create_task(lease(storage, lease_s=600))
        await wait_until_a_lock_is_awaited(other_replica.store)
        assert not leasing.done()
    with pytest.raises(StoreUnavailable):
        await leasing
    assert get_ids(await lease(other_replica)) == ["m1"]
