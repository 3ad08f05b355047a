"""The relay sends deliveries in order per key, retries them, and hands over to other replicas."""

import asyncio
from collections import defaultdict

import pytest

from services.errors import DeliveryOvertaken, StoreUnavailable
from services.store import (
    UNLIMITED,
    Capacity,
    DeadOutcome,
    DeliveredOutcome,
    RelayConfig,
    RetryOutcome,
    RetryPolicy,
    State,
)
from services.store.outbox.claims import Claims
from tests.store.factories import CAPACITIES, NOW_MS, build_delivery, wait_until
from tests.store.outbox.receiver import FakeReceiver, record_batch_writes, wait_for_attempts, wait_for_state

RETRY_POLICY = RetryPolicy(initial_delay_s=1, max_delay_s=8, max_age_s=100)


async def test_sends_in_order_per_key_and_keys_in_parallel(storage, receiver):
    enqueued = [
        await storage.deliveries.enqueue(build_delivery(number, key=f"k{number % 3}")) for number in range(12)
    ]
    receiver.gate.clear()
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        await wait_until(lambda: receiver.in_flight.total() == 3)
        receiver.gate.set()
        for delivery in enqueued:
            await wait_for_state(storage, delivery, State.DELIVERED)

    assert receiver.max_in_flight == 3
    for key in range(3):
        numbers = [int(delivery.payload) for delivery in receiver.sent if delivery.ordering_key == f"k{key}"]
        assert numbers == [key, key + 3, key + 6, key + 9]


async def test_results_are_stored_with_the_delivery(storage, receiver, clock):
    receiver.outcomes["k1"] = [DeliveredOutcome(results=b"\0done")]
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        done = await wait_for_state(
            storage, await storage.deliveries.enqueue(build_delivery(1)), State.DELIVERED
        )
    assert (done.results, done.attempts, done.last_error) == (b"\0done", 1, None)
    assert (done.finish_time_ms, done.last_attempt_time_ms, done.next_attempt_time_ms) == (
        NOW_MS,
        NOW_MS,
        None,
    )


async def test_a_retry_gets_the_results_of_the_failed_attempt(open_storage, receiver, clock):
    receiver.outcomes["k1"] = [
        RetryOutcome(error=b"e1", results=b"some"),
        RetryOutcome(error=b"e2", retry_after_s=60),
        DeliveredOutcome(results=b"all"),
    ]
    async with (
        open_storage(relay=RelayConfig(retry_policy=RETRY_POLICY)) as storage,
        storage.build_relay(receiver, CAPACITIES).lifespan(),
    ):
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        first_failure = await wait_for_attempts(storage, enqueued, 1)
        assert (
            first_failure.state,
            first_failure.last_error,
            first_failure.results,
        ) == (State.PENDING, b"e1", b"some")
        assert 500 <= first_failure.next_attempt_time_ms - NOW_MS <= 1000
        clock.advance_s(1)
        storage.notifier.notify("deliveries")
        second_failure = await wait_for_attempts(storage, enqueued, 2)
        assert (second_failure.last_error, second_failure.results) == (b"e2", b"some")
        assert second_failure.next_attempt_time_ms == clock.now_ms + 60_000
        clock.advance_s(60)
        storage.notifier.notify("deliveries")
        done = await wait_for_state(storage, enqueued, State.DELIVERED)

    assert [delivery.results for delivery in receiver.sent] == [None, b"some", b"some"]
    assert (done.attempts, done.last_error, done.results) == (3, None, b"all")


async def test_a_relay_that_waits_for_nothing_else_retries_in_time(
    open_storage, receiver, clock, monkeypatch
):
    find, found = Claims.find_next_due_time_ms, asyncio.Event()

    async def find_next_due_time_ms(claims, rpcs):
        due_time_ms = await find(claims, rpcs)
        if receiver.sent:
            found.set()
        return due_time_ms

    monkeypatch.setattr(Claims, "find_next_due_time_ms", find_next_due_time_ms)
    receiver.outcomes["k1"] = [RetryOutcome(error=b"again")]
    receiver.gate.clear()
    async with (
        open_storage(relay=RelayConfig(retry_policy=RetryPolicy(initial_delay_s=0.01))) as storage,
        storage.build_relay(receiver, CAPACITIES).lifespan(),
    ):
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        await found.wait()
        receiver.gate.set()
        await wait_for_attempts(storage, enqueued, 1)
        clock.advance_s(1)
        await wait_for_state(storage, enqueued, State.DELIVERED)


async def test_after_a_permanent_error_the_next_of_the_key_is_sent(storage, receiver):
    receiver.outcomes["k"] = [DeadOutcome(error=b"never")]
    async with storage.build_relay(receiver, CAPACITIES).lifespan():
        first = await storage.deliveries.enqueue(build_delivery(1, key="k"))
        second = await storage.deliveries.enqueue(build_delivery(2, key="k"))
        dead = await wait_for_state(storage, first, State.DEAD)
        await wait_for_state(storage, second, State.DELIVERED)

        assert (dead.last_error, dead.finish_time_ms, dead.next_attempt_time_ms) == (b"never", NOW_MS, None)
        with pytest.raises(DeliveryOvertaken) as overtaken:
            await storage.deliveries.retry(first.delivery_id, owner=None)
        assert overtaken.value.metadata == {"ordering_key": "k", "delivery_id": second.delivery_id}


async def test_a_delivery_is_dead_at_its_maximum_age(open_storage, receiver, clock):
    receiver.outcomes["k1"] = [RetryOutcome(error=b"again")] * 99
    async with (
        open_storage(relay=RelayConfig(retry_policy=RETRY_POLICY)) as storage,
        storage.build_relay(receiver, CAPACITIES).lifespan(),
    ):
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        waiting = await wait_for_attempts(storage, enqueued, 1)
        while waiting.state is State.PENDING:
            assert waiting.next_attempt_time_ms <= NOW_MS + 100_000
            clock.now_ms = waiting.next_attempt_time_ms
            storage.notifier.notify("deliveries")
            sent = len(receiver.sent)
            await wait_until(lambda sent=sent: len(receiver.sent) > sent)
            waiting = await wait_for_attempts(storage, enqueued, waiting.attempts + 1)
    assert waiting.state is State.DEAD
    assert waiting.finish_time_ms == NOW_MS + 100_000
    delays_ms = [
        later.last_attempt_time_ms - earlier.last_attempt_time_ms
        for earlier, later in zip(receiver.sent, receiver.sent[1:], strict=False)
    ]
    assert all(500 <= delay_ms <= 1000 for delay_ms in delays_ms[:1])
    assert all(4000 <= delay_ms <= 8000 for delay_ms in delays_ms[3:-1])


async def test_an_exception_of_the_send_function_is_an_internal_error_and_retried(
    open_storage, receiver, clock
):
    receiver.outcomes["k1"] = [ZeroDivisionError("a buyer's name")]
    async with (
        open_storage(relay=RelayConfig(retry_policy=RETRY_POLICY)) as storage,
        storage.build_relay(receiver, CAPACITIES, internal_error=b"internal").lifespan(),
    ):
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        assert (await wait_for_attempts(storage, enqueued, 1)).last_error == b"internal"
        clock.advance_s(2)
        storage.notifier.notify("deliveries")
        await wait_for_state(storage, enqueued, State.DELIVERED)
    assert [delivery.previous_outcome_unknown for delivery in receiver.sent] == [False, True]


async def test_a_slow_attempt_times_out(open_storage, receiver):
    receiver.gate.clear()
    async with (
        open_storage(relay=RelayConfig(send_timeout_s=0.05)) as storage,
        storage.build_relay(receiver, CAPACITIES, internal_error=b"late").lifespan(),
    ):
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        assert (await wait_for_attempts(storage, enqueued, 1)).last_error == b"late"
    assert not receiver.in_flight.total()


async def test_shutdown_cancels_and_releases_attempts_after_the_grace(open_storage, receiver):
    receiver.gate.clear()
    async with open_storage(relay=RelayConfig(shutdown_grace_s=0.05)) as storage:
        enqueued = [await storage.deliveries.enqueue(build_delivery(number)) for number in range(3)]
        async with storage.build_relay(receiver, CAPACITIES).lifespan():
            await wait_until(lambda: receiver.in_flight.total() == 3)
        assert not receiver.in_flight.total()
        receiver.gate.set()
        async with storage.build_relay(receiver, CAPACITIES).lifespan():
            for delivery in enqueued:
                assert (await wait_for_state(storage, delivery, State.DELIVERED)).attempts == 2
    assert [delivery.previous_outcome_unknown for delivery in receiver.sent] == [False] * 3 + [True] * 3


async def test_the_delivery_of_a_dead_replica_is_sent_after_its_lease(open_storage, storage, receiver, clock):
    stuck = FakeReceiver()
    stuck.gate.clear()
    enqueued = await storage.deliveries.enqueue(build_delivery(1, key="k"))
    after = await storage.deliveries.enqueue(build_delivery(2, key="k"))
    dead_relay = storage.build_relay(stuck, CAPACITIES)
    running = asyncio.create_task(dead_relay.run())
    await wait_until(lambda: stuck.in_flight.total() == 1)
    running.cancel()

    async with open_storage() as other_replica, other_replica.build_relay(receiver, CAPACITIES).lifespan():
        clock.advance_s(59)
        other_replica.notifier.notify("deliveries")
        assert (await other_replica.deliveries.get(enqueued.delivery_id, owner=None)).attempts == 1
        clock.advance_s(2)
        other_replica.notifier.notify("deliveries")
        await wait_for_state(other_replica, after, State.DELIVERED)
        stuck.gate.set()
        await wait_until(lambda: not dead_relay._in_flight)
        done = await other_replica.deliveries.get(enqueued.delivery_id, owner=None)

    assert (done.state, done.attempts) == (State.DELIVERED, 2)
    assert receiver.payloads() == [b"1", b"2"]
    assert receiver.sent[0].previous_outcome_unknown


async def test_enqueuing_notifies_the_relay_of_another_replica(storage, other_replica, receiver, monkeypatch):
    if not storage.store.is_postgresql:
        monkeypatch.setattr("services.store.outbox.relay.POLL_INTERVAL_S", 0.5)
    async with other_replica.build_relay(receiver, CAPACITIES).lifespan():
        await wait_until(lambda: bool(other_replica.notifier._events))
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        async with asyncio.timeout(5):
            await wait_for_state(storage, enqueued, State.DELIVERED)


@pytest.mark.slow
async def test_two_replicas_send_everything_once_and_in_order(storage, other_replica, receiver):
    keys = 7

    async def enqueue(replica, key):
        for number in range(10):
            await replica.deliveries.enqueue(build_delivery(key * 100 + number, key=f"k{key}"))

    async with (
        storage.build_relay(receiver, CAPACITIES).lifespan(),
        other_replica.build_relay(receiver, CAPACITIES).lifespan(),
    ):
        await asyncio.gather(*(enqueue((storage, other_replica)[key % 2], key) for key in range(keys)))
        await wait_until(lambda: len(receiver.sent) >= keys * 10, timeout_s=30)
    sent = defaultdict(list)
    for delivery in receiver.sent:
        sent[delivery.ordering_key].append(int(delivery.payload) % 100)
    assert sent == {f"k{key}": list(range(10)) for key in range(keys)}


async def test_the_relay_claims_only_what_it_has_a_capacity_for(storage, receiver):
    limited = {"SyncOrder": Capacity(max_in_flight=0, retry_after_s=60)}
    relay = storage.build_relay(
        receiver, {"SyncOrder": lambda: limited["SyncOrder"], "SyncOrderStatus": lambda: UNLIMITED}
    )
    enqueued = [
        await storage.deliveries.enqueue(
            build_delivery(number, rpc="SyncOrderStatus" if number % 10 == 9 else "SyncOrder")
        )
        for number in range(20)
    ]
    async with relay.lifespan():
        for delivery in enqueued[9::10]:
            await wait_for_state(storage, delivery, State.DELIVERED)
        assert receiver.payloads() == [b"9", b"19"]
        receiver.gate.clear()
        limited["SyncOrder"] = Capacity(max_in_flight=3, retry_after_s=60)
        storage.notifier.notify("deliveries")
        await wait_until(lambda: receiver.in_flight.total() == 3)
        receiver.gate.set()  # the end of each attempt lets the next begin
        await wait_until(lambda: len(receiver.sent) == 20)
    assert (await storage.deliveries.get(enqueued[0].delivery_id, owner=None)).attempts == 1
    in_turn = [int(delivery.payload) for delivery in receiver.sent[2:]]
    assert in_turn == sorted(in_turn)


async def test_the_relay_asks_again_when_the_capacity_may_have_changed(storage, receiver):
    capacities = [Capacity(max_in_flight=0, retry_after_s=0.05)] * 2 + [UNLIMITED]
    relay = storage.build_relay(
        receiver, {"SyncOrder": lambda: capacities.pop(0) if len(capacities) > 1 else capacities[0]}
    )
    enqueued = await storage.deliveries.enqueue(build_delivery(1))
    async with relay.lifespan():
        assert (await wait_for_state(storage, enqueued, State.DELIVERED)).attempts == 1
    assert capacities == [UNLIMITED]


async def test_retries_and_new_deliveries_take_turns(open_storage, receiver, clock):
    """Neither a backlog of new deliveries nor one of retries keeps the others waiting."""
    receiver.outcomes |= {f"k{number}": [RetryOutcome(error=b"later")] for number in range(4)}
    relay = RelayConfig(max_in_flight=2, retry_policy=RETRY_POLICY)
    async with open_storage(relay=relay) as storage:
        retried = [await storage.deliveries.enqueue(build_delivery(number)) for number in range(4)]
        async with storage.build_relay(receiver, CAPACITIES).lifespan():
            for delivery in retried:
                await wait_for_attempts(storage, delivery, 1)
    clock.advance_s(2)
    async with open_storage(relay=relay) as storage:  # its last claim has ended
        for number in range(4, 12):
            await storage.deliveries.enqueue(build_delivery(number))
        async with storage.build_relay(receiver, CAPACITIES).lifespan():
            await wait_until(lambda: len(receiver.sent) == 16)
    assert receiver.payloads()[:4] == [b"0", b"1", b"2", b"3"]
    are_retries = [int(payload) < 4 for payload in receiver.payloads()[4:12]]
    for count in range(2, 9):
        # Of the two in flight, either may end first.
        assert abs(are_retries[:count].count(True) - are_retries[:count].count(False)) <= 2


async def test_retries_and_rpcs_take_turns_also_one_at_a_time(storage, clock):
    claims = Claims(storage.store, storage.notifier, RETRY_POLICY)
    for number in range(2):
        await storage.deliveries.enqueue(build_delivery(number))
    limits = {"SyncOrder": 1, "SyncOrderStatus": 1}
    for _ in range(2):
        (claim,) = await claims.claim(limits, 1, lease_s=60)
        await claims.record(claim, RetryOutcome(error=b"later"))
    clock.advance_s(2)
    for number in range(2, 8):
        rpc = ("SyncOrder", "SyncOrderStatus")[number % 2]
        await storage.deliveries.enqueue(build_delivery(number, rpc=rpc))
    claimed = [(await claims.claim(limits, 1, lease_s=60))[0].delivery for _ in range(3)]
    kinds = {(delivery.rpc, delivery.attempts > 1) for delivery in claimed}
    assert kinds == {("SyncOrder", True), ("SyncOrder", False), ("SyncOrderStatus", False)}


async def test_a_claim_whose_commit_got_no_answer_is_released(storage, receiver, monkeypatch):
    """Nobody sends what it claimed; else it would be leased for a minute."""
    claims = Claims(storage.store, storage.notifier, RETRY_POLICY)
    enqueued = await storage.deliveries.enqueue(build_delivery(1))
    write = storage.store._engine.write

    async def lose_answer(work):
        result = await write(work)
        if "Claims._claim" not in work.__qualname__:
            return result
        monkeypatch.setattr(storage.store._engine, "write", write)
        raise StoreUnavailable("the connection was lost")

    monkeypatch.setattr(storage.store._engine, "write", lose_answer)
    with pytest.raises(StoreUnavailable):
        await claims.claim({"SyncOrder": 1}, 1, lease_s=60)
    (claim,) = await claims.claim({"SyncOrder": 1}, 1, lease_s=60)
    assert claim.delivery.delivery_id == enqueued.delivery_id
    assert (claim.delivery.attempts, claim.delivery.previous_outcome_unknown) == (1, False)


async def test_outcomes_at_the_same_time_share_a_transaction(storage, monkeypatch):
    claims = Claims(storage.store, storage.notifier, RETRY_POLICY)
    for number in range(10):
        await storage.deliveries.enqueue(build_delivery(number))
    claimed = await claims.claim({"SyncOrder": 10}, 10, lease_s=60)
    writes = record_batch_writes(storage, monkeypatch)
    states = await asyncio.gather(*(claims.record(claim, DeliveredOutcome()) for claim in claimed))
    assert states == [State.DELIVERED] * 10
    assert len(writes) == 1
    assert await claims.record(claimed[0], DeadOutcome(error=b"late")) is None
