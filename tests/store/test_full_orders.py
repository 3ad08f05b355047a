"""The last full orders, and their syncs, of which one at a time may be in flight."""

import asyncio

import pytest

from services.errors import NoFullSync, StoreUnavailable
from services.store import BegunSync, FullOrderKey, FullOrderKind, StoredOrder, SyncInFlight, erase
from tests.store.factories import build_full_order, read_full_order, store_full_order, sweep, wait_until
from tests.store.lost_commits import delay_commit, lose_commits, wait_until_a_lock_is_awaited

KEY = FullOrderKey(kind=FullOrderKind.ORDER, id="id1")
NOTHING = StoredOrder(order=None, revision=None)
LEASE_S = 30.0


async def begin(storage, sync_id, **options):
    return await storage.full_orders.begin(KEY, sync_id, lease_s=LEASE_S, **options)


async def test_the_last_full_order_replaces_the_one_before(storage):
    await store_full_order(storage, build_full_order(1, payload=b"old"))
    await store_full_order(storage, build_full_order(1, payload=b"new", member="hanako"))
    logistics_key = FullOrderKey(kind=FullOrderKind.LOGISTICS_ORDER, id="id1")
    await store_full_order(
        storage, build_full_order(1, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id7")
    )

    assert await read_full_order(storage, KEY) == build_full_order(1, payload=b"new", member="hanako")
    assert (await read_full_order(storage, logistics_key)).national_order_id == "id7"
    for kind, key in (
        (FullOrderKind.ORDER, "national_order_id"),
        (FullOrderKind.LOGISTICS_ORDER, "logistics_id"),
    ):
        with pytest.raises(NoFullSync) as missing:
            await read_full_order(storage, FullOrderKey(kind=kind, id="id2"))
        assert missing.value.metadata == {key: "id2"}


async def test_one_sync_at_a_time_begins_and_gets_what_the_last_one_stored(storage, other_replica):
    first = await begin(storage, "s1")
    assert first == BegunSync(key=KEY, sync_id="s1", stored=NOTHING)
    in_flight = SyncInFlight(stored=NOTHING, sync_id="s1", content_hash=None)
    assert await begin(other_replica, "s2") == in_flight
    assert await storage.full_orders.finish(first, build_full_order(1))
    stored = StoredOrder(order=build_full_order(1), revision="s1")
    assert await begin(other_replica, "s2") == BegunSync(key=KEY, sync_id="s2", stored=stored)


async def test_of_many_syncs_one_begins(storage, other_replica):
    attempts = [begin(each, f"s{n}") for n in range(10) for each in (storage, other_replica)]
    begun = [each for each in await asyncio.gather(*attempts) if isinstance(each, BegunSync)]
    assert len({each.sync_id for each in begun}) == 1


async def test_a_look_begins_nothing(storage):
    assert await begin(storage, "s1", take=False) == SyncInFlight(
        stored=NOTHING, sync_id=None, content_hash=None
    )
    assert isinstance(await begin(storage, "s2"), BegunSync)


async def test_a_released_sync_lets_the_next_begin(storage, other_replica):
    await storage.full_orders.release(await begin(storage, "s1"))
    assert isinstance(await begin(other_replica, "s2"), BegunSync)


async def test_a_sync_whose_lease_has_ended_stores_nothing(storage, other_replica, clock):
    late = await begin(storage, "s1")
    clock.advance_s(LEASE_S)
    second = await begin(other_replica, "s2")
    assert not await storage.full_orders.finish(late, build_full_order(1, payload=b"late"))
    await storage.full_orders.release(late)
    await storage.full_orders.suspend(late, b"hash", 60)
    assert await other_replica.full_orders.finish(second, build_full_order(1, payload=b"second"))
    assert not await storage.full_orders.finish(late, build_full_order(1, payload=b"late"))
    assert (await read_full_order(storage, KEY)).payload == b"second"


async def test_a_late_sync_stores_if_no_other_began(storage, clock):
    late = await begin(storage, "s1")
    clock.advance_s(2 * LEASE_S)
    assert await storage.full_orders.finish(late, build_full_order(1))


async def test_finish_is_safe_to_repeat(storage):
    """The answer to a COMMIT can be lost."""
    sync = await begin(storage, "s1")
    assert await storage.full_orders.finish(sync, build_full_order(1))
    assert await storage.full_orders.finish(sync, build_full_order(1))
    assert isinstance(await begin(storage, "s2"), BegunSync)


async def test_a_sync_that_began_before_an_erasure_does_not_bring_the_data_back(storage):
    await store_full_order(storage, build_full_order(1, member="hanako"))
    sync = await begin(storage, "s1")
    await erase(storage.store, "hanako")
    assert not await storage.full_orders.finish(sync, build_full_order(1, member="hanako"))
    assert await begin(storage, "s1") == BegunSync(key=KEY, sync_id="s1", stored=NOTHING)


async def test_after_an_unknown_outcome_only_the_same_content_may_be_sent_for_a_while(
    storage, other_replica, clock
):
    await storage.full_orders.suspend(await begin(storage, "s1"), b"same", 10)
    in_flight = SyncInFlight(stored=NOTHING, sync_id="s1", content_hash=b"same")
    assert await begin(other_replica, "s2") == in_flight
    assert await begin(other_replica, "s2", content_hash=b"other") == in_flight
    same = await begin(other_replica, "s2", content_hash=b"same")
    assert isinstance(same, BegunSync)
    assert isinstance(await begin(storage, "s3", content_hash=b"same"), SyncInFlight)
    await storage.full_orders.suspend(same, b"same", 10)
    clock.advance_s(10)
    assert isinstance(await begin(storage, "s3"), BegunSync)


async def test_rows_of_dead_syncs_are_deleted_after_a_day(storage, clock):
    await begin(storage, "s1")
    await sweep(storage)
    clock.advance_s(86_400)
    assert (await storage.retention.sweep())["full_order_syncs"] == 0
    clock.advance_s(LEASE_S)
    assert (await storage.retention.sweep())["full_order_syncs"] == 1


async def test_a_begin_whose_commit_is_unknown_does_not_block_the_order(storage):
    with lose_commits(storage.store, committed=1), pytest.raises(StoreUnavailable):
        await begin(storage, "s1")
    assert isinstance(await begin(storage, "s2"), BegunSync)


@pytest.mark.parametrize("has_row", [False, True])
@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_the_release_waits_for_a_begin_that_is_still_being_committed(
    storage, other_replica, clock, has_row
):
    if has_row:
        await begin(other_replica, "s0")
        clock.advance_s(LEASE_S)
    async with delay_commit(storage.store):
        beginning = asyncio.create_task(begin(storage, "s1"))
        await wait_until_a_lock_is_awaited(other_replica.store)
        assert not beginning.done()
    with pytest.raises(StoreUnavailable):
        await beginning
    assert isinstance(await begin(other_replica, "s2"), BegunSync)


async def test_the_release_of_a_begin_that_failed_does_not_end_another_sync(storage, other_replica):
    with lose_commits(storage.store, failed=2) as lost:
        with pytest.raises(StoreUnavailable):
            await begin(storage, "s1")
        assert lost.is_done
        other = await begin(other_replica, "s2")
        await wait_until(lambda: not storage.store._retried_writes)
    assert isinstance(await begin(storage, "s3"), SyncInFlight)
    assert await other_replica.full_orders.finish(other, build_full_order(1))
