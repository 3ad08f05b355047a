"""Owners take turns, the queue is bounded, and no slot is lost, whatever arrives, ends or is cancelled."""

import asyncio
import os
from collections import Counter
from collections.abc import Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.fair_queue import FairQueue, FairSlots, QueueFull
from tests.support.event_loop import run_turns

OWNERS = st.sampled_from(["a", "b", "c", ""])
MAX_ITEMS = 6
SETTINGS = settings(max_examples=int(os.environ.get("EXAMPLES", "6")) * 5, deadline=None)


def test_owners_take_turns_and_keep_the_order_of_their_items():
    queue: FairQueue[str] = FairQueue(100)
    for item in ["a1", "a2", "a3", "b1", "b2", "c1"]:
        queue.add(item[0], item)
    expected = list(queue)
    taken = [queue.take()[1] for _ in range(len(queue))]
    assert taken == expected == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert queue.owner_count == 0


def test_a_full_queue_drops_the_newest_item_of_the_owner_with_the_most():
    queue: FairQueue[str] = FairQueue(4)
    for item in ["b1", "a1", "a2", "a3"]:
        assert queue.add(item[0], item) is None
    assert queue.add("a", "a4") == "a4"
    assert queue.add("c", "c1") == "a3"
    assert queue.add("b", "b2") == "b2", "b would have as many as a"
    assert [queue.take()[1] for _ in range(4)] == ["b1", "a1", "c1", "a2"]


@SETTINGS
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), OWNERS),
            st.tuples(st.just("take"), st.just(0)),
            st.tuples(st.just("remove"), st.integers(0, 20)),
        )
    )
)
def test_every_sequence_keeps_turns_and_bound(steps):
    queue: FairQueue[int] = FairQueue(MAX_ITEMS)
    present: dict[int, str] = {}
    taken_since: dict[int, Counter[Hashable]] = {}
    """Item -> what has been taken since it is the first of its owner."""

    def firsts() -> set[int]:
        return {min(item for item, owner in present.items() if owner == each) for each in present.values()}

    for number, (step, argument) in enumerate(steps):
        if step == "add":
            ahead = queue.count_ahead(argument)
            counts = Counter(present.values())
            dropped = queue.add(argument, number)
            present[number] = argument
            if dropped is not None:
                assert len(present) > MAX_ITEMS
                loser = present[dropped]
                counts[argument] += 1
                assert counts[loser] == max(counts.values())
                assert dropped == max(item for item, each in present.items() if each == loser)
                del present[dropped]
            elif ahead == 0:
                assert queue.first() == (argument, number)
        elif step == "take" and queue:
            owner, item = queue.take()
            assert item == min(each for each in present if present[each] == owner)
            del present[item]
            taken_since.pop(item, None)
            for other, counter in taken_since.items():
                counter[owner] += 1
                assert counter[owner] <= 1, f"{other} waits behind two of {owner}"
        elif step == "remove" and present:
            item = sorted(present)[argument % len(present)]
            queue.remove(present.pop(item), item)
        taken_since = {item: taken_since.get(item, Counter()) for item in firsts()} if present else {}
        assert len(queue) == len(present) <= MAX_ITEMS
        assert queue.owner_count == len(set(present.values()))
        assert queue.max_per_owner == max(Counter(present.values()).values(), default=0)


@SETTINGS
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("arrive"), OWNERS),
            st.tuples(st.just("finish"), st.integers(0, 20)),
            st.tuples(st.just("cancel"), st.integers(0, 20)),
            st.tuples(st.just("tick"), st.just(0)),
            st.tuples(st.just("settle"), st.just(0)),
        ),
        max_size=40,
    )
)
def test_every_sequence_of_arrivals_ends_and_cancellations_loses_no_slot(steps):
    asyncio.run(_run_sequence(steps))


async def _run_sequence(steps) -> None:
    slots = FairSlots(2, max_waiting=MAX_ITEMS)
    running: set[asyncio.Event] = set()
    tasks: list[asyncio.Task[None]] = []

    async def work(owner: str) -> None:
        async with slots.hold(owner):
            may_end = asyncio.Event()
            running.add(may_end)
            assert len(running) <= 2
            try:
                await may_end.wait()
            finally:
                running.discard(may_end)

    for step, argument in steps:
        if step == "arrive":
            tasks.append(asyncio.create_task(work(argument)))
        elif step == "finish" and running:
            list(running)[argument % len(running)].set()
        elif step == "cancel" and tasks:
            tasks[argument % len(tasks)].cancel()
        elif step == "tick":
            await asyncio.sleep(0)
        elif step == "settle":
            await run_turns()
            assert len(slots.waiting) <= MAX_ITEMS
            assert slots.held == 2 or not slots.waiting, "a slot is free, and work waits"
    for _ in range(2 * len(tasks)):
        for may_end in list(running):
            may_end.set()
        await run_turns()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(
        outcome is None or isinstance(outcome, asyncio.CancelledError | QueueFull) for outcome in outcomes
    )
    assert (slots.held, len(slots.waiting), slots.waiting.owner_count) == (0, 0, 0)


@pytest.mark.parametrize("count", [1, 3, 20])
async def test_a_modest_owner_waits_behind_one_item_of_each_other(count):
    slots = FairSlots(1, max_waiting=10_000)
    order: list[str] = []

    async def work(owner: str) -> None:
        async with slots.hold(owner):
            order.append(owner)

    greedy = [f"greedy-{number}" for number in range(count)]
    assert slots.try_acquire()
    tasks = [asyncio.create_task(work(owner)) for _ in range(50) for owner in greedy]
    await run_turns()
    modest = asyncio.create_task(work("modest"))
    await run_turns()
    slots.release()
    await asyncio.gather(modest, *tasks)
    assert order[: order.index("modest")] == greedy


async def test_a_cancelled_waiter_does_not_cost_its_owner_the_turn():
    slots = FairSlots(1, max_waiting=10)
    order: list[str] = []

    async def work(owner: str, name: str) -> None:
        async with slots.hold(owner):
            order.append(name)

    assert slots.try_acquire()
    tasks = [asyncio.create_task(work(name[0], name)) for name in ["a1", "b1", "a2", "b2"]]
    await run_turns()
    tasks[0].cancel()  # its place in the queue is not yet removed when the slot is passed on
    slots.release()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["a2", "b1", "b2"]


async def test_work_that_is_cancelled_when_it_gets_a_slot_passes_it_on():
    slots = FairSlots(1, max_waiting=10)
    assert slots.try_acquire()
    first, second = (asyncio.create_task(slots.wait(owner)) for owner in ("a", "b"))
    await run_turns()
    slots.release()
    first.cancel()  # it has the slot, and has not continued yet
    await run_turns()
    assert first.cancelled()
    assert second.done()
    slots.release()
    assert slots.held == 0
