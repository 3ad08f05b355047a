"""The relay sends deliveries in order per key, retries them, and hands over to other replicas."""

import asyncio
from collections import defaultdict

import pytest

from services.errors import DeliveryOvertaken
from services.store import DeadOutcome, DeliveredOutcome, RelayConfig, RetryOutcome, RetryPolicy, State
from tests.store.factories import NOW_MS, build_delivery, wait_until
from tests.store.outbox.receiver import FakeReceiver, wait_for_attempts, wait_for_state

RETRY_POLICY = RetryPolicy(initial_delay_s=1, max_delay_s=8, max_age_s=100)


async def test_sends_in_order_per_key_and_keys_in_parallel(storage, receiver):
    enqueued = [
        await storage.deliveries.enqueue(build_delivery(number, key=f"k{number % 3}")) for number in range(12)
    ]
    receiver.gate.clear()
    async with storage.build_relay(receiver).lifespan():
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
    async with storage.build_relay(receiver).lifespan():
        done = await wait_for_state(
            storage, await storage.deliveries.enqueue(build_delivery(1)), State.DELIVERED
        )
    assert (done.results, done.attempts, done.last_error) == (b"\0done", 1, None)
    assert (done.finish_time_ms, done.last_attempt_time_ms, done.next_attempt_time_ms) == (
        NOW_MS,
        NOW_MS,
        None,
    )


async def test_a_retry_gets_the_progress_of_the_failed_attempt(open_storage, receiver, clock):
    receiver.outcomes["k1"] = [
        RetryOutcome(error=b"e1", progress=b"half", results=b"some"),
        RetryOutcome(error=b"e2", retry_after_s=60),
        DeliveredOutcome(results=b"all"),
    ]
    async with (
        open_storage(relay=RelayConfig(retry_policy=RETRY_POLICY)) as storage,
        storage.build_relay(receiver).lifespan(),
    ):
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        first_failure = await wait_for_attempts(storage, enqueued, 1)
        assert (
            first_failure.state,
            first_failure.last_error,
            first_failure.progress,
            first_failure.results,
        ) == (State.PENDING, b"e1", b"half", b"some")
        assert 500 <= first_failure.next_attempt_time_ms - NOW_MS <= 1000
        clock.advance_s(1)
        storage.notifier.notify("deliveries")
        second_failure = await wait_for_attempts(storage, enqueued, 2)
        assert (second_failure.last_error, second_failure.progress, second_failure.results) == (
            b"e2",
            b"half",
            b"some",
        )
        assert second_failure.next_attempt_time_ms == clock.now_ms + 60_000
        clock.advance_s(60)
        storage.notifier.notify("deliveries")
        done = await wait_for_state(storage, enqueued, State.DELIVERED)

    assert [delivery.progress for delivery in receiver.sent] == [None, b"half", b"half"]
    assert (done.attempts, done.last_error, done.results, done.progress) == (3, None, b"all", None)


async def test_after_a_permanent_error_the_next_of_the_key_is_sent(storage, receiver):
    receiver.outcomes["k"] = [DeadOutcome(error=b"never")]
    async with storage.build_relay(receiver).lifespan():
        first = await storage.deliveries.enqueue(build_delivery(1, key="k"))
        second = await storage.deliveries.enqueue(build_delivery(2, key="k"))
        dead = await wait_for_state(storage, first, State.DEAD)
        await wait_for_state(storage, second, State.DELIVERED)

        assert (dead.last_error, dead.finish_time_ms, dead.next_attempt_time_ms) == (b"never", NOW_MS, None)
        with pytest.raises(DeliveryOvertaken):
            await storage.deliveries.retry(first.delivery_id)


async def test_a_delivery_is_dead_at_its_maximum_age(open_storage, receiver, clock):
    receiver.outcomes["k1"] = [RetryOutcome(error=b"again")] * 99
    async with (
        open_storage(relay=RelayConfig(retry_policy=RETRY_POLICY)) as storage,
        storage.build_relay(receiver).lifespan(),
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
        storage.build_relay(receiver, internal_error=b"internal").lifespan(),
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
        storage.build_relay(receiver, internal_error=b"late").lifespan(),
    ):
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        assert (await wait_for_attempts(storage, enqueued, 1)).last_error == b"late"
    assert not receiver.in_flight.total()


async def test_shutdown_cancels_and_releases_attempts_after_the_grace(open_storage, receiver):
    receiver.gate.clear()
    async with open_storage(relay=RelayConfig(shutdown_grace_s=0.05)) as storage:
        enqueued = [await storage.deliveries.enqueue(build_delivery(number)) for number in range(3)]
        async with storage.build_relay(receiver).lifespan():
            await wait_until(lambda: receiver.in_flight.total() == 3)
        assert not receiver.in_flight.total()
        receiver.gate.set()
        async with storage.build_relay(receiver).lifespan():
            for delivery in enqueued:
                assert (await wait_for_state(storage, delivery, State.DELIVERED)).attempts == 2
    assert [delivery.previous_outcome_unknown for delivery in receiver.sent] == [False] * 3 + [True] * 3


async def test_the_delivery_of_a_dead_replica_is_sent_after_its_lease(open_storage, storage, receiver, clock):
    stuck = FakeReceiver()
    stuck.gate.clear()
    enqueued = await storage.deliveries.enqueue(build_delivery(1, key="k"))
    after = await storage.deliveries.enqueue(build_delivery(2, key="k"))
    dead_relay = storage.build_relay(stuck)
    running = asyncio.create_task(dead_relay.run())
    await wait_until(lambda: stuck.in_flight.total() == 1)
    running.cancel()

    async with open_storage() as other_replica, other_replica.build_relay(receiver).lifespan():
        clock.advance_s(59)
        other_replica.notifier.notify("deliveries")
        assert (await other_replica.deliveries.get(enqueued.delivery_id)).attempts == 1
        clock.advance_s(2)
        other_replica.notifier.notify("deliveries")
        await wait_for_state(other_replica, after, State.DELIVERED)
        stuck.gate.set()
        await wait_until(lambda: not dead_relay._in_flight)
        done = await other_replica.deliveries.get(enqueued.delivery_id)

    assert (done.state, done.attempts) == (State.DELIVERED, 2)
    assert receiver.payloads() == [b"1", b"2"]
    assert receiver.sent[0].previous_outcome_unknown


async def test_enqueuing_notifies_the_relay_of_another_replica(storage, other_replica, receiver, monkeypatch):
    if not storage.store.is_postgresql:
        monkeypatch.setattr("services.store.outbox.relay.POLL_INTERVAL_S", 0.5)
    async with other_replica.build_relay(receiver).lifespan():
        await wait_until(lambda: bool(other_replica.notifier._events))
        enqueued = await storage.deliveries.enqueue(build_delivery(1))
        async with asyncio.timeout(5):
            await wait_for_state(storage, enqueued, State.DELIVERED)


async def test_two_replicas_send_everything_once_and_in_order(storage, other_replica, receiver):
    keys = 7

    async def enqueue(replica, key):
        for number in range(10):
            await replica.deliveries.enqueue(build_delivery(key * 100 + number, key=f"k{key}"))

    async with storage.build_relay(receiver).lifespan(), other_replica.build_relay(receiver).lifespan():
        await asyncio.gather(*(enqueue((storage, other_replica)[key % 2], key) for key in range(keys)))
        await wait_until(lambda: len(receiver.sent) >= keys * 10, timeout_s=30)
    sent = defaultdict(list)
    for delivery in receiver.sent:
        sent[delivery.ordering_key].append(int(delivery.payload) % 100)
    assert sent == {f"k{key}": list(range(10)) for key in range(keys)}
