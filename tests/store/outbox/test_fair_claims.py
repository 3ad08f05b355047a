"""Callers take turns for the places of a relay: one caller's many ordering keys do not hold all of them."""

import asyncio

from services.store import RetryOutcome, RetryPolicy
from services.store.outbox.claims import Claims
from services.store.outbox.heads import PROMOTION_BATCH_SIZE
from tests.store.factories import build_delivery

LEASE_S = 60
MANY = 40


async def enqueue(storage, caller, numbers, **fields):
    """Enqueue deliveries of a caller, each with a key of its own unless the fields have one."""
    new = [
        build_delivery(number, caller=caller, request_id=f"{caller}{number}", **fields) for number in numbers
    ]
    for delivery in new:
        await storage.deliveries.enqueue(delivery)


def open_claims(storage):
    return Claims(storage.store, storage.notifier, RetryPolicy(initial_delay_s=1, max_delay_s=1))


async def claim(claims, limit, rpcs=("SyncOrder",)):
    """Claim deliveries. Return their callers."""
    claimed = await claims.claim(dict.fromkeys(rpcs, limit), limit, LEASE_S)
    return [each.delivery.caller for each in claimed]


async def test_a_modest_caller_waits_behind_one_delivery_of_each_other(storage):
    claims = open_claims(storage)
    await enqueue(storage, "many", range(MANY))
    await enqueue(storage, "more", range(100, 100 + MANY))
    assert await claim(claims, 2) == ["many", "more"]
    await enqueue(storage, "modest", [200])
    assert await claim(claims, 3) == ["many", "more", "modest"]
    assert await claim(claims, 4) == ["many", "more"] * 2


async def test_callers_take_turns_in_the_order_of_their_own_deliveries(storage):
    claims = open_claims(storage)
    for caller, count in (("a", 5), ("b", 3), ("c", 1)):
        await enqueue(storage, caller, [hash((caller, number)) for number in range(count)])
    claimed = await claims.claim({"SyncOrder": 9}, 9, LEASE_S)
    assert [each.delivery.caller for each in claimed] == [*"abc", *"ab", *"ab", *"aa"]
    seqs = [each.seq for each in claimed if each.delivery.caller == "a"]
    assert seqs == sorted(seqs)


async def test_one_place_at_a_time_is_shared_too(storage):
    """A claim often finds one free place, because attempts end one by one."""
    claims = open_claims(storage)
    await enqueue(storage, "many", range(MANY))
    await enqueue(storage, "modest", range(100, 105))
    callers = [(await claim(claims, 1))[0] for _ in range(10)]
    assert callers == ["many", "modest"] * 5


async def test_deliveries_that_wait_for_their_key_cost_their_caller_no_turn(storage):
    claims = open_claims(storage)
    await enqueue(storage, "many", range(MANY))
    await asyncio.gather(
        *(
            storage.deliveries.enqueue(build_delivery(100 + number, caller="modest", key="k"))
            for number in range(9)
        ),
        storage.deliveries.enqueue(build_delivery(200, caller="modest")),
    )
    assert sorted(await claim(claims, 4)) == ["many", "many", "modest", "modest"]


async def test_the_next_delivery_of_a_key_takes_its_turn(storage):
    claims = open_claims(storage)
    await enqueue(storage, "many", [0, 1], key="k")
    (first,) = await claims.claim({"SyncOrder": 1}, 1, LEASE_S)
    await enqueue(storage, "more", range(100, 110))
    assert await claim(claims, 1) == ["more"]
    await claims.record(first, RetryOutcome(error=b"later", retry_after_s=600))
    await storage.deliveries.cancel(
        first.delivery.delivery_id, owner="many"
    )  # the second one is the head now
    assert "many" in await claim(claims, 2)


async def test_retries_of_one_caller_do_not_delay_those_of_another(storage, clock):
    """Also if they have waited longer, and are more than one transaction gives turns to."""
    claims = open_claims(storage)
    await enqueue(storage, "many", range(2 * PROMOTION_BATCH_SIZE))
    claimed = await claims.claim({"SyncOrder": 1000}, 1000, LEASE_S)
    await asyncio.gather(
        *(claims.record(each, RetryOutcome(error=b"later", retry_after_s=2)) for each in claimed)
    )
    clock.advance_s(1)
    await enqueue(storage, "modest", [1000])
    (modest,) = await claims.claim({"SyncOrder": 1}, 1, LEASE_S)
    await claims.record(modest, RetryOutcome(error=b"later", retry_after_s=2))
    clock.advance_s(5)
    callers = [(await claim(claims, 1))[0] for _ in range(4)]
    assert "modest" in callers


async def test_new_deliveries_and_retries_take_turns(storage, clock):
    claims = open_claims(storage)
    await enqueue(storage, "a", range(4))
    claimed = await claims.claim({"SyncOrder": 4}, 4, LEASE_S)
    await asyncio.gather(
        *(claims.record(each, RetryOutcome(error=b"later", retry_after_s=2)) for each in claimed)
    )
    clock.advance_s(5)
    await enqueue(storage, "b", range(100, 104))
    assert sorted(await claim(claims, 4)) == ["a", "a", "b", "b"]


async def test_a_cancelled_delivery_of_a_key_does_not_move_its_head(storage):
    claims = open_claims(storage)
    await enqueue(storage, "a", [0, 1], key="k")
    await enqueue(storage, "a", [2, 3])
    second = (await storage.deliveries.list(owner="a", page_size=9, ordering_key="k")).items[0]
    await storage.deliveries.cancel(second.delivery_id, owner="a")
    (first,) = await claims.claim({"SyncOrder": 1}, 1, LEASE_S)
    assert first.delivery.ordering_key == "k"
