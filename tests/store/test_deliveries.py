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
from services.store import Dead, Delivered, RelayLimits, Retry, RetryPolicy, State
from tests.store.given import NOW_MS, order, until

QUICK = RetryPolicy(first_pause_s=1, longest_pause_s=8, age_s=100)


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


async def once(room, delivery, holds):
    """Wait until something holds of a delivery; return it."""
    async with asyncio.timeout(10):
        while not holds(found := await room.deliveries.get(delivery.delivery_id)):
            await asyncio.sleep(0.005)
    return found


async def settle(room, delivery, state):
    return await once(room, delivery, lambda found: found.state is state)


async def attempted(room, delivery, attempts):
    """Wait until so many attempts are over, and noted."""
    return await once(
        room,
        delivery,
        lambda found: (
            found.attempts == attempts and (found.finish_ms or found.next_attempt_ms > found.last_attempt_ms)
        ),
    )


async def test_enqueued_and_got(room):
    made = await room.deliveries.enqueue(order(1, key="o1", caller=""))

    assert await room.deliveries.get(made.delivery_id) == made
    assert (made.state, made.attempts, made.ordering_key, made.request_id) == (State.PENDING, 0, "o1", "r1")
    assert (made.create_ms, made.next_attempt_ms, made.finish_ms) == (NOW_MS, NOW_MS, None)
    with pytest.raises(DeliveryNotFound):
        await room.deliveries.get("none")


async def test_the_same_request_is_the_same_delivery(room, other):
    made = await asyncio.gather(
        *(replica.deliveries.enqueue(order(1)) for replica in (room, other) for _ in range(5))
    )
    assert len({one.delivery_id for one in made}) == 1
    with pytest.raises(RequestIdReused):
        await room.deliveries.enqueue(order(1, content_hash=b"else"))
    theirs = await room.deliveries.enqueue(order(1, caller="another"))
    assert theirs.delivery_id != made[0].delivery_id


async def test_listed_newest_first(room):
    made = [await room.deliveries.enqueue(order(number, key=f"k{number % 2}")) for number in range(5)]
    await room.deliveries.cancel(made[3].delivery_id)
    numbers = {one.delivery_id: number for number, one in enumerate(made)}

    async def listed(**chosen):
        found, token = [], ""
        while True:
            page = await room.deliveries.list(page_size=2, page_token=token, **chosen)
            found += [numbers[one.delivery_id] for one in page.items]
            if not (token := page.next_page_token):
                return found

    assert await listed() == [4, 3, 2, 1, 0]
    assert await listed(ordering_key="k1") == [3, 1]
    assert await listed(states=[State.PENDING]) == [4, 2, 1, 0]
    assert await listed(states=[State.CANCELLED, State.DEAD]) == [3]
    assert len((await room.deliveries.list()).items) == 5
    with pytest.raises(InvalidRequest):
        await room.deliveries.list(page_token="?")


async def test_sent_in_sequence_per_key_and_in_parallel(room, receiver):
    made = [await room.deliveries.enqueue(order(number, key=f"k{number % 3}")) for number in range(12)]
    receiver.gate.clear()
    async with room.relay(receiver).running():
        await until(lambda: receiver.busy.total() == 3)
        receiver.gate.set()
        for one in made:
            await settle(room, one, State.DELIVERED)

    assert receiver.most_at_once == 3
    for key in range(3):
        of_key = [int(one.payload) for one in receiver.sent if one.ordering_key == f"k{key}"]
        assert of_key == [key, key + 3, key + 6, key + 9]


async def test_results_come_with_the_delivery(room, receiver, clock):
    receiver.answers["k1"] = [Delivered(results=b"\0done")]
    async with room.relay(receiver).running():
        done = await settle(room, await room.deliveries.enqueue(order(1)), State.DELIVERED)
    assert (done.results, done.attempts, done.last_error) == (b"\0done", 1, None)
    assert (done.finish_ms, done.last_attempt_ms, done.next_attempt_ms) == (NOW_MS, NOW_MS, None)


async def test_a_failure_is_tried_again_with_what_was_done(opened, receiver, clock):
    receiver.answers["k1"] = [
        Retry(error=b"e1", progress=b"half", results=b"some"),
        Retry(error=b"e2", retry_after_s=60),
        Delivered(results=b"all"),
    ]
    async with opened(relay=RelayLimits(patience=QUICK)) as room, room.relay(receiver).running():
        made = await room.deliveries.enqueue(order(1))
        once = await attempted(room, made, 1)
        assert (once.state, once.last_error, once.progress, once.results) == (
            State.PENDING,
            b"e1",
            b"half",
            b"some",
        )
        assert 500 <= once.next_attempt_ms - NOW_MS <= 1000
        clock.pass_s(1)
        room.wakeups.wake("deliveries")
        twice = await attempted(room, made, 2)
        assert (twice.last_error, twice.progress, twice.results) == (b"e2", b"half", b"some")
        assert twice.next_attempt_ms == clock.now_ms + 60_000
        clock.pass_s(60)
        room.wakeups.wake("deliveries")
        done = await settle(room, made, State.DELIVERED)

    assert [one.progress for one in receiver.sent] == [None, b"half", b"half"]
    assert (done.attempts, done.last_error, done.results, done.progress) == (3, None, b"all", None)


async def test_what_cannot_be_cured_is_dead_and_lets_the_next_pass(room, receiver):
    receiver.answers["k"] = [Dead(error=b"never")]
    async with room.relay(receiver).running():
        first = await room.deliveries.enqueue(order(1, key="k"))
        second = await room.deliveries.enqueue(order(2, key="k"))
        dead = await settle(room, first, State.DEAD)
        await settle(room, second, State.DELIVERED)

        assert (dead.last_error, dead.finish_ms, dead.next_attempt_ms) == (b"never", NOW_MS, None)
        with pytest.raises(DeliveryOvertaken):
            await room.deliveries.retry(first.delivery_id)


async def test_dead_when_its_patience_ends(opened, receiver, clock):
    receiver.answers["k1"] = [Retry(error=b"again")] * 99
    async with opened(relay=RelayLimits(patience=QUICK)) as room, room.relay(receiver).running():
        made = await room.deliveries.enqueue(order(1))
        waiting = await attempted(room, made, 1)
        while waiting.state is State.PENDING:
            assert waiting.next_attempt_ms <= NOW_MS + 100_000
            clock.now_ms = waiting.next_attempt_ms
            room.wakeups.wake("deliveries")
            sent = len(receiver.sent)
            await until(lambda sent=sent: len(receiver.sent) > sent)
            waiting = await attempted(room, made, waiting.attempts + 1)
    assert waiting.state is State.DEAD
    assert waiting.finish_ms == NOW_MS + 100_000
    pauses = [
        later.last_attempt_ms - earlier.last_attempt_ms
        for earlier, later in zip(receiver.sent, receiver.sent[1:], strict=False)
    ]
    assert all(500 <= pause <= 1000 for pause in pauses[:1])
    assert all(4000 <= pause <= 8000 for pause in pauses[3:-1])


async def test_a_dead_one_is_retried_in_its_old_place(room, receiver, clock):
    receiver.answers["k"] = [Dead(error=b"no")]
    first = await room.deliveries.enqueue(order(1, key="k"))
    async with room.relay(receiver).running():
        await settle(room, first, State.DEAD)
    second = await room.deliveries.enqueue(order(2, key="k"))
    clock.pass_s(1_000_000)

    again = await room.deliveries.retry(first.delivery_id)
    assert (again.state, again.finish_ms, again.next_attempt_ms) == (State.PENDING, None, clock.now_ms)
    assert await room.deliveries.retry(first.delivery_id) == again
    receiver.answers["k"] = [Retry(error=b"once more")]
    async with room.relay(receiver).running():
        await attempted(room, first, 2)
        clock.pass_s(5)
        room.wakeups.wake("deliveries")
        await settle(room, second, State.DELIVERED)
    assert receiver.payloads() == [b"1", b"1", b"1", b"2"]
    with pytest.raises(DeliveryState):
        await room.deliveries.retry(first.delivery_id)


async def test_cancelled_while_it_waits_but_not_while_it_is_sent(room, receiver):
    receiver.gate.clear()
    async with room.relay(receiver).running():
        sending = await room.deliveries.enqueue(order(1, key="k"))
        waiting = await room.deliveries.enqueue(order(2, key="k"))
        await until(lambda: receiver.busy.total() == 1)
        with pytest.raises(DeliveryState):
            await room.deliveries.cancel(sending.delivery_id)
        cancelled = await room.deliveries.cancel(waiting.delivery_id)
        assert (cancelled.state, cancelled.finish_ms) == (State.CANCELLED, NOW_MS)
        assert await room.deliveries.cancel(waiting.delivery_id) == cancelled
        receiver.gate.set()
        await settle(room, sending, State.DELIVERED)
        with pytest.raises(DeliveryState):
            await room.deliveries.cancel(sending.delivery_id)
        with pytest.raises(DeliveryState):
            await room.deliveries.retry(waiting.delivery_id)
    assert receiver.payloads() == [b"1"]


async def test_a_direct_call_must_not_overtake(room, receiver):
    await room.deliveries.refuse_pending("k1")
    made = await room.deliveries.enqueue(order(1))
    with pytest.raises(DeliveryPending):
        await room.deliveries.refuse_pending("k1")
    async with room.relay(receiver).running():
        await settle(room, made, State.DELIVERED)
    await room.deliveries.refuse_pending("k1")


async def test_a_fault_of_the_sender_is_told_and_tried_again(opened, receiver, clock):
    receiver.answers["k1"] = [ZeroDivisionError("a buyer's name")]
    async with (
        opened(relay=RelayLimits(patience=QUICK)) as room,
        room.relay(receiver, fault=b"internal").running(),
    ):
        made = await room.deliveries.enqueue(order(1))
        assert (await attempted(room, made, 1)).last_error == b"internal"
        clock.pass_s(2)
        room.wakeups.wake("deliveries")
        await settle(room, made, State.DELIVERED)
    assert [one.interrupted for one in receiver.sent] == [False, True]


async def test_an_attempt_that_takes_too_long_is_ended(opened, receiver):
    receiver.gate.clear()
    async with opened(relay=RelayLimits(send_s=0.05)) as room, room.relay(receiver, fault=b"late").running():
        made = await room.deliveries.enqueue(order(1))
        assert (await attempted(room, made, 1)).last_error == b"late"
    assert not receiver.busy.total()


async def test_a_drain_lets_attempts_finish_and_frees_the_rest(opened, receiver):
    receiver.gate.clear()
    async with opened(relay=RelayLimits(grace_s=0.05)) as room:
        made = [await room.deliveries.enqueue(order(number)) for number in range(3)]
        async with room.relay(receiver).running():
            await until(lambda: receiver.busy.total() == 3)
        assert not receiver.busy.total()
        receiver.gate.set()
        async with room.relay(receiver).running():
            for one in made:
                assert (await settle(room, one, State.DELIVERED)).attempts == 2
    assert [one.interrupted for one in receiver.sent] == [False] * 3 + [True] * 3


async def test_a_lost_replicas_delivery_is_taken_over_when_its_lease_ends(opened, room, receiver, clock):
    stuck = Receiver()
    stuck.gate.clear()
    made = await room.deliveries.enqueue(order(1, key="k"))
    after = await room.deliveries.enqueue(order(2, key="k"))
    lost = room.relay(stuck)
    taking = asyncio.create_task(lost._take_for_ever())
    await until(lambda: stuck.busy.total() == 1)
    taking.cancel()

    async with opened() as other, other.relay(receiver).running():
        clock.pass_s(59)
        other.wakeups.wake("deliveries")
        assert (await other.deliveries.get(made.delivery_id)).attempts == 1
        clock.pass_s(2)
        other.wakeups.wake("deliveries")
        await settle(other, after, State.DELIVERED)
        stuck.gate.set()
        await until(lambda: not lost._sending)
        done = await other.deliveries.get(made.delivery_id)

    assert (done.state, done.attempts) == (State.DELIVERED, 2)
    assert receiver.payloads() == [b"1", b"2"]
    assert receiver.sent[0].interrupted


async def test_enqueuing_wakes_the_relay_of_another_replica(room, other, receiver, monkeypatch):
    if not room.store.on_postgresql:
        monkeypatch.setattr("services.store.outbox.relay.POLL_INTERVAL_S", 0.5)
    async with other.relay(receiver).running():
        await until(lambda: bool(other.wakeups._waiting))
        made = await room.deliveries.enqueue(order(1))
        async with asyncio.timeout(5):
            await settle(room, made, State.DELIVERED)


async def test_two_replicas_send_everything_once_and_in_sequence(room, other, receiver):
    keys = 7

    async def enqueue(replica, key):
        for number in range(10):
            await replica.deliveries.enqueue(order(key * 100 + number, key=f"k{key}"))

    async with room.relay(receiver).running(), other.relay(receiver).running():
        await asyncio.gather(*(enqueue((room, other)[key % 2], key) for key in range(keys)))
        await until(lambda: len(receiver.sent) >= keys * 10, within_s=30)
    sent = defaultdict(list)
    for one in receiver.sent:
        sent[one.ordering_key].append(int(one.payload) % 100)
    assert sent == {f"k{key}": list(range(10)) for key in range(keys)}
