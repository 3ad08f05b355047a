"""A queue bounds the number and size of items until the work on them is done."""

import asyncio

from services.order_sync.bounded_queue import BoundedQueue
from tests.support.event_loop import run_turns


def build_queue(*, max_items: int = 10, max_bytes: int = 100) -> BoundedQueue[str]:
    return BoundedQueue(len, max_items=max_items, max_bytes=max_bytes)


async def test_a_single_item_is_taken_at_once():
    queue = build_queue()
    await queue.put("a")
    assert await queue.take(10) == ["a"]


async def test_a_few_items_wait_for_as_many_as_are_wanted():
    queue = build_queue()
    taking = asyncio.create_task(queue.take(10, wanted=3, linger_s=600))
    for item in "abc":
        await run_turns()
        assert not taking.done()
        await queue.put(item)
    assert await asyncio.wait_for(taking, 60) == ["a", "b", "c"]


async def test_a_few_items_are_taken_after_the_linger_time():
    queue = build_queue()
    await queue.put("a")
    assert await queue.take(10, wanted=3, linger_s=0.001) == ["a"]


async def test_the_end_of_the_queue_ends_the_wait():
    queue = build_queue()
    await queue.put("a")
    taking = asyncio.create_task(queue.take(10, wanted=3, linger_s=600))
    await run_turns()
    queue.end()
    assert await asyncio.wait_for(taking, 60) == ["a"]
    assert await queue.take(10, wanted=3, linger_s=600) == []


async def test_an_item_counts_until_the_work_on_it_is_done():
    queue = build_queue(max_items=1)
    await queue.put("a")
    putting = asyncio.create_task(queue.put("b"))
    assert await queue.take(1) == ["a"]
    await run_turns()
    assert not putting.done(), "the work on the first item is not done"
    assert await queue.take(1) == ["b"]
    await putting
