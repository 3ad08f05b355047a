"""Deliveries: what callers do with them, and how the relay sends them."""

import asyncio
from collections import Counter, defaultdict

import pytest

from services.errors import (
    DeliveryNotFound,
    DeliveryOvertaken,
    DeliveryPending,
    DeliveryState,
    InvalidRequest,
    RequestIdReused,
)
from services.store import Dead, Delivered, RelayConfig, Retry, RetryPolicy, State
from tests.store.given import NOW_MS, order, until

QUICK = RetryPolicy(initial_delay_s=1, max_delay_s=8, max_age_s=100)


class Receiver:
    """What deliveries are sent to: answers by key from a script, or accepts."""

    def __init__(self) -> None:
        self.sent = []
        self.answers = defaultdict(list)
        self.busy = Counter()
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, delivery):
        key = delivery.ordering_key
        assert not self.busy[key], "two of one key are being sent"
        self.busy[key] += 1
        self.most_at_once = max(self.most_at_once, self.busy.total())
        try:
            self.sent.append(delivery)
            await self.gate.wait()
            answer = self.answers[key].pop(0) if self.answers[key] else Delivered()
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.busy[key] -= 1

    def payloads(self):
        return [delivery.payload for delivery in self.sent]


@pytest.fixture
def receiver():
    return Receiver()


async def once(storage, delivery, holds):
    """Wait until something holds of a delivery; return it."""
    async with asyncio.timeout(10):
        while not holds(found := await storage.deliveries.get(delivery.delivery_id)):
            await asyncio.sleep(0.005)
    return found


async def settle(storage, delivery, state):
    return await once(storage, delivery, lambda found: found.state is state)


async def attempted(storage, delivery, attempts):
    """Wait until so many attempts are over, and noted."""
    return await once(
        storage,
        delivery,
        lambda found: (
            found.attempts == attempts
            and (found.finish_time_ms or found.next_attempt_time_ms > found.last_attempt_time_ms)
        ),
    )


async def test_enqueued_and_got(storage):
    made = await storage.deliveries.enqueue(order(1, key="o1", caller=""))

    assert await storage.deliveries.get(made.delivery_id) == made
    assert (made.state, made.attempts, made.ordering_key, made.request_id) == (State.PENDING, 0, "o1", "r1")
    assert (made.create_time_ms, made.next_attempt_time_ms, made.finish_time_ms) == (NOW_MS, NOW_MS, None)
    with pytest.raises(DeliveryNotFound):
        await storage.deliveries.get("none")


async def test_the_same_request_is_the_same_delivery(storage, other):
    made = await asyncio.gather(
        *(replica.deliveries.enqueue(order(1)) for replica in (storage, other) for _ in range(5))
    )
    assert len({one.delivery_id for one in made}) == 1
    with pytest.raises(RequestIdReused):
        await storage.deliveries.enqueue(order(1, content_hash=b"else"))
    theirs = await storage.deliveries.enqueue(order(1, caller="another"))
    assert theirs.delivery_id != made[0].delivery_id


async def test_listed_newest_first(storage):
    made = [await storage.deliveries.enqueue(order(number, key=f"k{number % 2}")) for number in range(5)]
    await storage.deliveries.cancel(made[3].delivery_id)
    numbers = {one.delivery_id: number for number, one in enumerate(made)}

    async def listed(**chosen):
        found, token = [], ""
        while True:
            page = await storage.deliveries.list(page_size=2, page_token=token, **chosen)
            found += [numbers[one.delivery_id] for one in page.items]
            if not (token := page.next_page_token):
                return found

    assert await listed() == [4, 3, 2, 1, 0]
    assert await listed(ordering_key="k1") == [3, 1]
    assert await listed(states=[State.PENDING]) == [4, 2, 1, 0]
    assert await listed(states=[State.CANCELLED, State.DEAD]) == [3]
    assert len((await storage.deliveries.list()).items) == 5
    with pytest.raises(InvalidRequest):
        await storage.deliveries.list(page_token="?")


async def test_sent_in_sequence_per_key_and_in_parallel(storage, receiver):
    made = [await storage.deliveries.enqueue(order(number, key=f"k{number % 3}")) for number in range(12)]
    receiver.gate.clear()
    async with storage.build_relay(receiver).lifespan():
        await until(lambda: receiver.busy.total() == 3)
        receiver.gate.set()
        for one in made:
            await settle(storage, one, State.DELIVERED)

    assert receiver.most_at_once == 3
    for key in range(3):
        of_key = [int(one.payload) for one in receiver.sent if one.ordering_key == f"k{key}"]
        assert of_key == [key, key + 3, key + 6, key + 9]


async def test_results_come_with_the_delivery(storage, receiver, clock):
    receiver.answers["k1"] = [Delivered(results=b"\0done")]
    async with storage.build_relay(receiver).lifespan():
        done = await settle(storage, await storage.deliveries.enqueue(order(1)), State.DELIVERED)
    assert (done.results, done.attempts, done.last_error) == (b"\0done", 1, None)
    assert (done.finish_time_ms, done.last_attempt_time_ms, done.next_attempt_time_ms) == (
        NOW_MS,
        NOW_MS,
        None,
    )


async def test_a_failure_is_tried_again_with_what_was_done(opened, receiver, clock):
    receiver.answers["k1"] = [
        Retry(error=b"e1", progress=b"half", results=b"some"),
        Retry(error=b"e2", retry_after_s=60),
        Delivered(results=b"all"),
    ]
    async with (
        opened(relay=RelayConfig(retry_policy=QUICK)) as storage,
        storage.build_relay(receiver).lifespan(),
    ):
        made = await storage.deliveries.enqueue(order(1))
        once = await attempted(storage, made, 1)
        assert (once.state, once.last_error, once.progress, once.results) == (
            State.PENDING,
            b"e1",
            b"half",
            b"some",
        )
        assert 500 <= once.next_attempt_time_ms - NOW_MS <= 1000
        clock.pass_s(1)
        storage.notifier.notify("deliveries")
        twice = await attempted(storage, made, 2)
        assert (twice.last_error, twice.progress, twice.results) == (b"e2", b"half", b"some")
        assert twice.next_attempt_time_ms == clock.now_ms + 60_000
        clock.pass_s(60)
        storage.notifier.notify("deliveries")
        done = await settle(storage, made, State.DELIVERED)

    assert [one.progress for one in receiver.sent] == [None, b"half", b"half"]
    assert (done.attempts, done.last_error, done.results, done.progress) == (3, None, b"all", None)


async def test_what_cannot_be_cured_is_dead_and_lets_the_next_pass(storage, receiver):
    receiver.answers["k"] = [Dead(error=b"never")]
    async with storage.build_relay(receiver).lifespan():
        first = await storage.deliveries.enqueue(order(1, key="k"))
        second = await storage.deliveries.enqueue(order(2, key="k"))
        dead = await settle(storage, first, State.DEAD)
        await settle(storage, second, State.DELIVERED)

        assert (dead.last_error, dead.finish_time_ms, dead.next_attempt_time_ms) == (b"never", NOW_MS, None)
        with pytest.raises(DeliveryOvertaken):
            await storage.deliveries.retry(first.delivery_id)


async def test_dead_when_its_patience_ends(opened, receiver, clock):
    receiver.answers["k1"] = [Retry(error=b"again")] * 99
    async with (
        opened(relay=RelayConfig(retry_policy=QUICK)) as storage,
        storage.build_relay(receiver).lifespan(),
    ):
        made = await storage.deliveries.enqueue(order(1))
        waiting = await attempted(storage, made, 1)
        while waiting.state is State.PENDING:
            assert waiting.next_attempt_time_ms <= NOW_MS + 100_000
            clock.now_ms = waiting.next_attempt_time_ms
            storage.notifier.notify("deliveries")
            sent = len(receiver.sent)
            await until(lambda sent=sent: len(receiver.sent) > sent)
            waiting = await attempted(storage, made, waiting.attempts + 1)
    assert waiting.state is State.DEAD
    assert waiting.finish_time_ms == NOW_MS + 100_000
    pauses = [
        later.last_attempt_time_ms - earlier.last_attempt_time_ms
        for earlier, later in zip(receiver.sent, receiver.sent[1:], strict=False)
    ]
    assert all(500 <= pause <= 1000 for pause in pauses[:1])
    assert all(4000 <= pause <= 8000 for pause in pauses[3:-1])


async def test_a_dead_one_is_retried_in_its_old_place(storage, receiver, clock):
    receiver.answers["k"] = [Dead(error=b"no")]
    first = await storage.deliveries.enqueue(order(1, key="k"))
    async with storage.build_relay(receiver).lifespan():
        await settle(storage, first, State.DEAD)
    second = await storage.deliveries.enqueue(order(2, key="k"))
    clock.pass_s(1_000_000)

    again = await storage.deliveries.retry(first.delivery_id)
    assert (again.state, again.finish_time_ms, again.next_attempt_time_ms) == (
        State.PENDING,
        None,
        clock.now_ms,
    )
    assert await storage.deliveries.retry(first.delivery_id) == again
    receiver.answers["k"] = [Retry(error=b"once more")]
    async with storage.build_relay(receiver).lifespan():
        await attempted(storage, first, 2)
        clock.pass_s(5)
        storage.notifier.notify("deliveries")
        await settle(storage, second, State.DELIVERED)
    assert receiver.payloads() == [b"1", b"1", b"1", b"2"]
    with pytest.raises(DeliveryState):
        await storage.deliveries.retry(first.delivery_id)


async def test_cancelled_while_it_waits_but_not_while_it_is_sent(storage, receiver):
    receiver.gate.clear()
    async with storage.build_relay(receiver).lifespan():
        sending = await storage.deliveries.enqueue(order(1, key="k"))
        waiting = await storage.deliveries.enqueue(order(2, key="k"))
        await until(lambda: receiver.busy.total() == 1)
        with pytest.raises(DeliveryState):
            await storage.deliveries.cancel(sending.delivery_id)
        cancelled = await storage.deliveries.cancel(waiting.delivery_id)
        assert (cancelled.state, cancelled.finish_time_ms) == (State.CANCELLED, NOW_MS)
        assert await storage.deliveries.cancel(waiting.delivery_id) == cancelled
        receiver.gate.set()
        await settle(storage, sending, State.DELIVERED)
        with pytest.raises(DeliveryState):
            await storage.deliveries.cancel(sending.delivery_id)
        with pytest.raises(DeliveryState):
            await storage.deliveries.retry(waiting.delivery_id)
    assert receiver.payloads() == [b"1"]


async def test_a_direct_call_must_not_overtake(storage, receiver):
    await storage.deliveries.ensure_none_pending("k1")
    made = await storage.deliveries.enqueue(order(1))
    with pytest.raises(DeliveryPending):
        await storage.deliveries.ensure_none_pending("k1")
    async with storage.build_relay(receiver).lifespan():
        await settle(storage, made, State.DELIVERED)
    await storage.deliveries.ensure_none_pending("k1")


async def test_a_fault_of_the_sender_is_told_and_tried_again(opened, receiver, clock):
    receiver.answers["k1"] = [ZeroDivisionError("a buyer's name")]
    async with (
        opened(relay=RelayConfig(retry_policy=QUICK)) as storage,
        storage.build_relay(receiver, internal_error=b"internal").lifespan(),
    ):
        made = await storage.deliveries.enqueue(order(1))
        assert (await attempted(storage, made, 1)).last_error == b"internal"
        clock.pass_s(2)
        storage.notifier.notify("deliveries")
        await settle(storage, made, State.DELIVERED)
    assert [one.previous_outcome_unknown for one in receiver.sent] == [False, True]


async def test_an_attempt_that_takes_too_long_is_ended(opened, receiver):
    receiver.gate.clear()
    async with (
        opened(relay=RelayConfig(send_timeout_s=0.05)) as storage,
        storage.build_relay(receiver, internal_error=b"late").lifespan(),
    ):
        made = await storage.deliveries.enqueue(order(1))
        assert (await attempted(storage, made, 1)).last_error == b"late"
    assert not receiver.busy.total()


async def test_a_drain_lets_attempts_finish_and_frees_the_rest(opened, receiver):
    receiver.gate.clear()
    async with opened(relay=RelayConfig(shutdown_grace_s=0.05)) as storage:
        made = [await storage.deliveries.enqueue(order(number)) for number in range(3)]
        async with storage.build_relay(receiver).lifespan():
            await until(lambda: receiver.busy.total() == 3)
        assert not receiver.busy.total()
        receiver.gate.set()
        async with storage.build_relay(receiver).lifespan():
            for one in made:
                assert (await settle(storage, one, State.DELIVERED)).attempts == 2
    assert [one.previous_outcome_unknown for one in receiver.sent] == [False] * 3 + [True] * 3


async def test_a_lost_replicas_delivery_is_taken_over_when_its_lease_ends(opened, storage, receiver, clock):
    stuck = Receiver()
    stuck.gate.clear()
    made = await storage.deliveries.enqueue(order(1, key="k"))
    after = await storage.deliveries.enqueue(order(2, key="k"))
    lost = storage.build_relay(stuck)
    taking = asyncio.create_task(lost.run())
    await until(lambda: stuck.busy.total() == 1)
    taking.cancel()

    async with opened() as other, other.build_relay(receiver).lifespan():
        clock.pass_s(59)
        other.notifier.notify("deliveries")
        assert (await other.deliveries.get(made.delivery_id)).attempts == 1
        clock.pass_s(2)
        other.notifier.notify("deliveries")
        await settle(other, after, State.DELIVERED)
        stuck.gate.set()
        await until(lambda: not lost._in_flight)
        done = await other.deliveries.get(made.delivery_id)

    assert (done.state, done.attempts) == (State.DELIVERED, 2)
    assert receiver.payloads() == [b"1", b"2"]
    assert receiver.sent[0].previous_outcome_unknown


async def test_enqueuing_wakes_the_relay_of_another_replica(storage, other, receiver, monkeypatch):
    if not storage.store.is_postgresql:
        monkeypatch.setattr("services.store.outbox.relay.POLL_INTERVAL_S", 0.5)
    async with other.build_relay(receiver).lifespan():
        await until(lambda: bool(other.notifier._events))
        made = await storage.deliveries.enqueue(order(1))
        async with asyncio.timeout(5):
            await settle(storage, made, State.DELIVERED)


async def test_two_replicas_send_everything_once_and_in_sequence(storage, other, receiver):
    keys = 7

    async def enqueue(replica, key):
        for number in range(10):
            await replica.deliveries.enqueue(order(key * 100 + number, key=f"k{key}"))

    async with storage.build_relay(receiver).lifespan(), other.build_relay(receiver).lifespan():
        await asyncio.gather(*(enqueue((storage, other)[key % 2], key) for key in range(keys)))
        await until(lambda: len(receiver.sent) >= keys * 10, timeout_s=30)
    sent = defaultdict(list)
    for one in receiver.sent:
        sent[one.ordering_key].append(int(one.payload) % 100)
    assert sent == {f"k{key}": list(range(10)) for key in range(keys)}
