"""A lease has one holder at a time, among all replicas."""

import asyncio

import pytest

from services.errors import StoreUnavailable
from services.store import exclusive_lease
from tests.store.lost_commits import lose_commits


async def test_one_replica_at_a_time_has_a_lease(storage, other_replica, clock):
    async with exclusive_lease(storage.store, "task", 60) as lease:
        assert lease is not None
        async with exclusive_lease(other_replica.store, "task", 60) as other_lease:
            assert other_lease is None
        async with exclusive_lease(other_replica.store, "another task", 60) as other_lease:
            assert other_lease is not None
        clock.advance_s(59)
        assert await lease.renew()
        clock.advance_s(59)
        async with exclusive_lease(other_replica.store, "task", 60) as other_lease:
            assert other_lease is None
        clock.advance_s(2)
        async with exclusive_lease(other_replica.store, "task", 60) as other_lease:
            assert other_lease is not None
            assert not await lease.renew(), "it expired, and the other replica has it"
            await lease.release()
            assert await other_lease.renew()
    async with exclusive_lease(other_replica.store, "task", 60) as other_lease:
        assert other_lease is not None


async def is_free(replica):
    async with exclusive_lease(replica.store, "task", 60) as lease:
        return lease is not None


@pytest.mark.parametrize("cancellations", [1, 2])
async def test_a_cancelled_task_keeps_no_lease(storage, other_replica, cancellations):
    """Whether it is cancelled while it acquires the lease, has it, or releases it."""

    async def work():
        async with exclusive_lease(storage.store, "task", 60) as lease:
            assert lease is not None
            await asyncio.sleep(0)

    for loop_turns in range(0, 48, 6):
        working = asyncio.create_task(work())
        for _ in range(cancellations):
            for _ in range(loop_turns):
                await asyncio.sleep(0)
            working.cancel()
        await asyncio.wait([working])
        await storage.store.tasks.close()
        assert await is_free(other_replica), f"cancelled after {loop_turns} turns of the loop"


async def test_a_lease_is_free_after_the_response_of_its_commit_was_lost(storage, other_replica):
    with lose_commits(storage.store, committed=1, failed=3):
        with pytest.raises(StoreUnavailable):
            async with exclusive_lease(storage.store, "task", 60):
                pass
        async with asyncio.timeout(10):
            while not await is_free(other_replica):  # the other replica has no event for it
                await asyncio.sleep(0.01)
