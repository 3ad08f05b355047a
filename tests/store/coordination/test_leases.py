"""A lease has one holder at a time, among all replicas."""

from services.store import exclusive_lease


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
