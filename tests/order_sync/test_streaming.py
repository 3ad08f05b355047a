"""Streams of messages: how they end, what they hold in memory, and what they lease to whom."""

import asyncio

import pytest
from nationalsite.ordersync import v1 as protos
from sqlalchemy import select

from services.errors import DeadlineExceededInFlight
from services.order_sync import bounded_queue, streaming
from services.store import Storage, SubscriptionName, SubscriptionSpec, storage_lifespan
from services.store.database.schema import subscription_messages
from tests.order_sync.stream_call import StreamCall
from tests.store.factories import build_message, wait_until
from tests.support.event_loop import run_turns


@pytest.fixture
async def storage(tmp_path):
    async with storage_lifespan(f"sqlite+aiosqlite:///{tmp_path}/store.db") as storage:
        yield storage


async def subscribe(storage: Storage, name: str, messages: int, first: int = 0) -> int:
    """Create a subscription with this many messages; return its id."""
    subscription_id = await storage.subscriptions.open(
        SubscriptionName(caller="", name=name), SubscriptionSpec()
    )
    await storage.inbox.store([build_message(first + number) for number in range(messages)])
    return subscription_id


async def read_leases(storage: Storage, subscription_id: int) -> list[int]:
    """Return when the leases end that have not ended."""
    statement = select(subscription_messages.c.lease_expire_time_ms).where(
        subscription_messages.c.subscription_id == subscription_id,
        subscription_messages.c.lease_expire_time_ms > storage.store.clock(),
    )
    return list((await storage.store.read(lambda connection: connection.execute(statement))).scalars())


async def wait_for_end(storage: Storage, call: StreamCall) -> None:
    """Wait until a call has ended, and what it has left to do is done."""
    async with asyncio.timeout(10):
        await asyncio.wait([call.task])
        await storage.store.tasks.close()


@pytest.mark.parametrize("first", ["half-close", "cancel"])
@pytest.mark.parametrize("turns", [(10, 20, 30), pytest.param(range(60), marks=pytest.mark.slow)])
async def test_a_stream_that_is_cancelled_while_it_ends_leaves_nothing_leased(storage, first, turns):
    """gRPC delivers the end of the requests, and then the cancellation. A shutdown cancels once more."""
    for loop_turns in turns:
        subscription_id = await subscribe(storage, f"s{loop_turns}", 3, first=10 * loop_turns)
        call = StreamCall(storage, f"s{loop_turns}")
        assert len(await call.receive(3)) == 3
        if first == "half-close":
            call.half_close()
        else:
            call.task.cancel()
        await run_turns(loop_turns)
        call.task.cancel()
        await wait_for_end(storage, call)
        assert await read_leases(storage, subscription_id) == [], f"cancelled after {loop_turns} turns"


async def test_requests_that_were_received_before_the_cancellation_are_executed(storage):
    subscription_id = await subscribe(storage, "s", 3)
    call = StreamCall(storage, "s")
    received = await call.receive(3)
    call.ack(received[0])
    call.ack(received[1])
    await wait_until(lambda: call.requests_read == 3)
    call.task.cancel()
    await wait_for_end(storage, call)
    messages = await storage.dispatcher.lease(subscription_id, limit=10, lease_s=60, wait_s=0)
    assert [each.message.message_id for each in messages] == [received[2].message.message_id]


async def test_the_size_of_pending_requests_is_bounded(storage):
    """Until they are executed, not only until they are taken to be executed."""
    await subscribe(storage, "s", 1)
    call = StreamCall(storage, "s")
    (received,) = await call.receive(1)
    may_execute, is_executing = asyncio.Event(), asyncio.Event()

    async def block(_connection):
        is_executing.set()
        await may_execute.wait()

    blocking = asyncio.create_task(storage.store.write(block))
    await is_executing.wait()
    size = streaming.MAX_PENDING_BYTES // 4
    request = protos.StreamMessagesRequest(ack={"ack_ids": [received.ack_id]})
    # A later version's field, which this version keeps in the message.
    request.MergeFromString(b"\xfa\x01" + b"\x80\x80\x10" + bytes(size))
    for _ in range(50):
        call.send_request(request)
    before = 0
    while call.requests_read != before:  # until it reads no more
        before = call.requests_read
        await run_turns(100)
    assert call.requests_read - 1 <= 4 + 1, "the pending ones, and the one that waits to be queued"
    may_execute.set()
    await blocking
    call.half_close()
    await wait_for_end(storage, call)
    assert call.requests_read == 51


async def test_a_queue_is_bounded_by_items_and_bytes_until_the_work_is_done():
    queue = bounded_queue.BoundedQueue(len, max_items=3, max_bytes=10)
    await queue.put("x" * 20)
    putting = [asyncio.create_task(queue.put(text)) for text in ("a" * 6, "b" * 4, "c", "d")]

    async def settle():
        await run_turns(5)
        return [task.done() for task in putting]

    assert await settle() == [False] * 4
    assert await queue.take(10) == ["x" * 20]
    assert await settle() == [False] * 4, "the work on it is not done"
    assert (queue.items, queue.size_bytes) == (1, 20)
    taking = asyncio.create_task(queue.take(1))
    assert await settle() == [True, True, False, False]
    assert await taking == ["a" * 6]
    assert await queue.take(10) == ["b" * 4]
    assert await settle() == [True] * 4
    queue.end()
    await queue.put("dropped")
    assert await queue.take(10) == ["c", "d"]
    assert await queue.take(10) == []
    assert (queue.items, queue.size_bytes) == (0, 0)
    await queue.join()


async def test_messages_of_a_silent_consumer_go_to_another_one_and_its_stream_ends(storage):
    """Its stream leases nothing to it after the first lease has ended."""
    subscription_id = await subscribe(storage, "s", 3)
    silent = StreamCall(storage, "s", lease_s=0.5)
    received = await silent.receive(3)
    other = await storage.dispatcher.lease(subscription_id, limit=10, lease_s=600, wait_s=5)
    assert {each.message.message_id for each in other} == {each.message.message_id for each in received}
    await storage.inbox.store([build_message(10)])
    with pytest.raises(DeadlineExceededInFlight, match="has sent nothing"):
        await asyncio.wait_for(silent.task, 5)
    assert len(silent.received) == 3


async def test_a_consumer_that_sends_a_request_after_its_lease_gets_messages_again(storage):
    subscription_id = await subscribe(storage, "s", 1)
    call = StreamCall(storage, "s", lease_s=0.5)
    (received,) = await call.receive(1)
    async with asyncio.timeout(5):
        while await read_leases(storage, subscription_id):  # noqa: ASYNC110 # a lease ends by time alone
            await asyncio.sleep(0.005)
    await storage.inbox.store([build_message(1)])
    call.ack(received)
    assert len(await call.receive(2)) == 2
    call.task.cancel()
