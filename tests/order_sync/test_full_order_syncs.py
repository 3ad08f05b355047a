"""How syncs of one full order wait for each other, and what they leave behind when something fails."""

import asyncio
import itertools
import random
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceededInFlight,
    NoFullSync,
    OutcomeUnknown,
    StoreUnavailable,
    SyncInProgress,
    UpstreamFault,
)
from services.order_sync.full_order_syncs import FullOrderSync, FullOrderSyncConfig, FullOrderSyncs
from services.store import (
    BegunSync,
    FullOrder,
    FullOrderKey,
    FullOrderKind,
    erase,
    require_full_order,
    storage_lifespan,
)
from tests.store.conftest import FakeClock
from tests.store.factories import read_full_order, wait_until
from tests.support.event_loop import run_turns
from tests.support.postgres import create_database, postgres_server

KEY = FullOrderKey(kind=FullOrderKind.ORDER, id="1")
CONFIG = FullOrderSyncConfig()
SHORT_WAIT = FullOrderSyncConfig(max_wait_s=0.05)


class Upstream:
    """1688: each send waits for its outcome, which the test sets."""

    def __init__(self):
        self.sent = asyncio.Queue()
        self.content = b""
        """What was executed last."""

    async def send(self, message, _deadline):
        outcome = asyncio.get_running_loop().create_future()
        self.sent.put_nowait((message.value, outcome))
        await outcome
        self.content = message.value
        return b"ok"

    async def next(self):
        return await asyncio.wait_for(self.sent.get(), 10)

    async def accept_next(self):
        content, outcome = await self.next()
        outcome.set_result(None)
        return content


def whole(upstream, content):
    return _build(upstream, lambda _: BytesValue(value=content), is_whole=True)


def status(upstream, text):
    """A status appends its text to the stored order."""
    return _build(
        upstream,
        lambda order: BytesValue(value=require_full_order(order, KEY).payload + text),
        is_whole=False,
    )


def _build(upstream, build, *, is_whole):
    return FullOrderSync(
        key=KEY,
        build=build,
        send=upstream.send,
        to_full_order=lambda message: FullOrder(
            kind=KEY.kind, id=KEY.id, national_order_id=KEY.id, member_id="hanako", payload=message.value
        ),
        parse=lambda payload: BytesValue(value=payload),
        is_whole=is_whole,
    )


class Replica:
    """A replica's syncs of full orders."""

    def __init__(self, storage, upstream, config=CONFIG):
        self.storage = storage
        self.syncs = FullOrderSyncs(storage.full_orders, storage.notifier, config)
        self._upstream = upstream
        self.refused = 0
        """How many attempts to begin found another sync in flight."""
        begin = storage.full_orders.begin

        async def count_refused(*args, **options):
            begun = await begin(*args, **options)
            self.refused += not isinstance(begun, BegunSync)
            return begun

        storage.full_orders.begin = count_refused

    def run(self, sync, timeout_s=60.0):
        return asyncio.create_task(self.syncs.run(sync, asyncio.get_running_loop().time() + timeout_s))

    def whole(self, content, timeout_s=60.0):
        return self.run(whole(self._upstream, content), timeout_s)

    def status(self, text, timeout_s=60.0):
        return self.run(status(self._upstream, text), timeout_s)

    @property
    def waiting(self):
        """How many syncs of the order wait here, or are about to begin."""
        queue = self.syncs._queues.get(KEY)
        return len(queue.sync_ids) if queue else 0

    async def stored(self):
        return (await read_full_order(self.storage, KEY)).payload


@pytest.fixture(scope="module")
def server():
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store.db"
    return create_database(request.getfixturevalue("server"))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def upstream():
    return Upstream()


@pytest.fixture
async def open_replica(url, clock, upstream):
    """await open_replica(config): a replica on the same store."""
    async with AsyncExitStack() as stack:

        async def start(config=CONFIG):
            storage = await stack.enter_async_context(storage_lifespan(url, clock=clock))
            replica = Replica(storage, upstream, config)
            stack.push_async_callback(replica.syncs.close)
            return replica

        yield start


@pytest.fixture
async def one(open_replica):
    return await open_replica()


@pytest.fixture
async def other(open_replica):
    return await open_replica()


async def sync_whole(replica, upstream, content=b"1"):
    call = replica.whole(content)
    await upstream.accept_next()
    assert await call == b"ok"


async def test_syncs_of_two_replicas_run_one_at_a_time_each_on_top_of_the_last(one, other, upstream):
    await sync_whole(one, upstream)
    calls = [each.status(text) for each, text in ((one, b"a"), (other, b"b"), (one, b"c"), (other, b"d"))]
    content = b"1"
    for _ in calls:
        sent, outcome = await upstream.next()
        assert sent[:-1] == content
        assert upstream.sent.empty()
        content = sent
        outcome.set_result(None)
    await asyncio.gather(*calls)
    assert await one.stored() == content
    assert sorted(content) == sorted(b"1abcd")


async def test_syncs_of_a_replica_begin_in_the_sequence_of_their_calls(one, upstream):
    await sync_whole(one, upstream)
    calls = []
    for number, text in enumerate(b"abcde", start=1):
        calls.append(one.status(bytes([text])))
        await wait_until(lambda number=number: one.waiting + (not upstream.sent.empty()) == number)
    for expected in (b"1a", b"1ab", b"1abc", b"1abcd", b"1abcde"):
        assert await upstream.accept_next() == expected
    await asyncio.gather(*calls)


async def test_a_whole_order_replaces_what_came_before_it(one, other, upstream):
    await sync_whole(one, upstream)
    first = one.status(b"a")
    _, outcome = await upstream.next()
    second = one.whole(b"5")
    await wait_until(lambda: one.waiting == 1)
    outcome.set_result(None)
    assert await upstream.accept_next() == b"5"
    await asyncio.gather(first, second)
    assert await other.stored() == b"5"


async def test_a_whole_order_does_not_replace_what_came_after_it(open_replica, other, upstream):
    """A status of another replica began while the whole order waited behind a third sync."""
    one = await open_replica(FullOrderSyncConfig(poll_interval_s=60))
    await sync_whole(one, upstream)
    first = one.status(b"a")
    _, outcome = await upstream.next()
    one.storage.notifier.notify_local = lambda _: None  # the other replica is notified first
    second = one.whole(b"5")
    later = other.status(b"b")
    await wait_until(lambda: one.refused == other.refused == 2)  # both wait for a notification
    outcome.set_result(None)
    await first
    other.storage.notifier.notify_local([KEY.channel])
    assert await upstream.accept_next() == b"1ab"
    await later
    for event in [*one.storage.notifier._events[KEY.channel]]:
        event.set()
    with pytest.raises(SyncInProgress) as rejected:
        await second
    assert rejected.value.metadata == {"national_order_id": "1"}
    assert await one.stored() == b"1ab" == upstream.content


async def test_a_cancelled_sync_that_waits_is_not_sent(one, other, upstream):
    await sync_whole(one, upstream)
    first = one.status(b"a")
    _, outcome = await upstream.next()
    waiting = [one.status(b"b"), other.status(b"c")]
    await wait_until(lambda: one.waiting == other.waiting == 1)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    assert one.waiting == other.waiting == 0
    outcome.set_result(None)
    await first
    await sync_whole(other, upstream, b"2")


async def test_a_sync_cancelled_at_any_moment_blocks_nothing(one, upstream):
    for turns in range(60):
        await sync_whole(one, upstream)
        call = one.status(b"a")
        await run_turns(turns)
        call.cancel()
        await asyncio.wait([call])
        later = one.status(b"b")
        contents = [await upstream.accept_next()]
        if contents[0] == b"1a":
            contents.append(await upstream.accept_next())
        await later
        assert contents in ([b"1b"], [b"1a", b"1ab"])
        assert await one.stored() == contents[-1]


async def test_a_sync_goes_on_after_its_deadline(one, other, upstream):
    await sync_whole(one, upstream)
    call = one.status(b"a", timeout_s=0.2)
    _, outcome = await upstream.next()
    with pytest.raises(DeadlineExceededInFlight):
        await call
    later = other.status(b"b")
    await wait_until(lambda: other.waiting == 1)
    outcome.set_result(None)
    assert await upstream.accept_next() == b"1ab"
    await later


async def test_a_sync_waits_no_longer_than_the_limit_and_its_deadline(open_replica, upstream):
    one = await open_replica(SHORT_WAIT)
    await sync_whole(one, upstream)
    first = one.status(b"a")
    _, outcome = await upstream.next()
    for call in (one.status(b"b"), one.whole(b"2")):
        with pytest.raises(SyncInProgress):
            await call
    outcome.set_result(None)
    await first
    patient = await open_replica()
    first = one.status(b"b")
    _, outcome = await upstream.next()
    with pytest.raises(SyncInProgress):
        await patient.status(b"c", timeout_s=0.05)
    outcome.set_result(None)
    await first


async def test_the_number_of_waiting_syncs_is_limited(open_replica, upstream):
    one = await open_replica(FullOrderSyncConfig(max_waiting=2))
    await sync_whole(one, upstream)
    first = one.status(b"a")
    _, outcome = await upstream.next()
    waiting = [one.status(b"b"), one.status(b"c")]
    await wait_until(lambda: one.waiting == 2)
    with pytest.raises(SyncInProgress):
        await one.status(b"d")
    outcome.set_result(None)
    for _ in waiting:
        await upstream.accept_next()
    await asyncio.gather(first, *waiting)


@pytest.mark.parametrize(
    ("error", "blocks"),
    [
        (ConnectError("no"), False),
        (NoFullSync("no"), False),
        (UpstreamFault("500"), False),
        (OutcomeUnknown("500"), False),
        (ConnectionLost("reset"), True),
        (DeadlineExceededInFlight("late"), True),
        (OutcomeUnknown("reset"), True),
        (ZeroDivisionError(), True),
    ],
    ids=lambda value: f"{type(value).__name__}-{value}",
)
async def test_what_1688_may_still_execute_blocks_other_content_for_a_while(
    open_replica, upstream, clock, error, blocks
):
    one = await open_replica(SHORT_WAIT)
    await sync_whole(one, upstream)
    if isinstance(error, OutcomeUnknown):
        error.__cause__ = UpstreamFault("500") if str(error) == "500" else ConnectionLost("reset")
    call = one.status(b"a")
    _, outcome = await upstream.next()
    outcome.set_exception(error)
    with pytest.raises(type(error)):
        await call
    assert await one.stored() == b"1"
    if blocks:
        for refused in (one.status(b"b"), one.whole(b"2")):
            with pytest.raises(SyncInProgress):
                await refused
        retry = one.status(b"a")
        _, outcome = await upstream.next()
        outcome.set_exception(ConnectionLost("again"))
        with pytest.raises(ConnectionLost):
            await retry
        clock.advance_s(SHORT_WAIT.unknown_outcome_s)
    call = one.status(b"b")
    assert await upstream.accept_next() == b"1b"
    await call


async def test_a_sync_whose_process_died_blocks_the_order_until_its_lease_ends(open_replica, upstream, clock):
    one = await open_replica(SHORT_WAIT)
    await sync_whole(one, upstream)
    died = await one.storage.full_orders.begin(KEY, "died", lease_s=SHORT_WAIT.lease_s)
    assert isinstance(died, BegunSync)
    clock.advance_s(SHORT_WAIT.lease_s - 1)
    with pytest.raises(SyncInProgress):
        await one.status(b"a")
    clock.advance_s(1)
    call = one.status(b"a")
    assert await upstream.accept_next() == b"1a"
    await call


async def test_storing_is_retried_and_the_order_released_if_it_fails(open_replica, upstream):
    one = await open_replica(FullOrderSyncConfig(retry_delay_s=0.01, store_timeout_s=0.1))
    await sync_whole(one, upstream)
    call = one.status(b"a")
    _, outcome = await upstream.next()
    write, failing = one.storage.store._engine.write, [3]  # how many writes still fail

    async def fail(work):
        if failing[0]:
            failing[0] -= 1
            raise StoreUnavailable("no connection")
        return await write(work)

    one.storage.store._engine.write = fail
    outcome.set_result(None)
    await call
    assert await one.stored() == b"1a"

    call = one.status(b"b")
    _, outcome = await upstream.next()
    failing[0] = 10**6
    outcome.set_result(None)
    with pytest.raises(StoreUnavailable):
        await call
    failing[0] = 0
    call = one.status(b"c")
    assert await upstream.accept_next() == b"1ac"
    await call


async def test_a_status_that_lost_its_lease_is_sent_again_on_top_of_the_other(one, other, upstream, clock):
    """As after a long pause of the process: 1688 may have got it after the other one."""
    await sync_whole(one, upstream)
    late = one.status(b"a")
    _, outcome = await upstream.next()
    clock.advance_s(CONFIG.lease_s)
    await sync_whole(other, upstream, b"5")
    outcome.set_result(None)
    assert await upstream.accept_next() == b"5a"
    await late
    assert await one.stored() == b"5a" == upstream.content


async def test_a_status_that_lost_its_lease_twice_gives_way_to_the_other(one, other, upstream, clock):
    await sync_whole(one, upstream)
    late = one.status(b"a")
    for content in (b"5", b"6"):
        _, outcome = await upstream.next()
        clock.advance_s(CONFIG.lease_s)
        await sync_whole(other, upstream, content)
        outcome.set_result(None)
    assert await upstream.accept_next() == b"6"
    with pytest.raises(DeadlineExceededInFlight):
        await late
    assert await one.stored() == b"6" == upstream.content
    await sync_whole(other, upstream, b"7")


async def test_a_whole_order_that_lost_its_lease_gives_way_to_the_other(one, other, upstream, clock):
    await sync_whole(one, upstream)
    late = one.whole(b"2")
    _, outcome = await upstream.next()
    clock.advance_s(CONFIG.lease_s)
    await sync_whole(other, upstream, b"5")
    outcome.set_result(None)
    assert await upstream.accept_next() == b"5"
    with pytest.raises(DeadlineExceededInFlight):
        await late
    assert await one.stored() == b"5" == upstream.content
    await sync_whole(other, upstream, b"6")


async def test_a_sync_under_way_does_not_bring_erased_data_back(one, upstream):
    await sync_whole(one, upstream)
    call = one.status(b"a")
    _, outcome = await upstream.next()
    await erase(one.storage.store, "hanako")
    outcome.set_result(None)
    with pytest.raises(NoFullSync):
        await call
    await sync_whole(one, upstream, b"2")


async def test_at_a_shutdown_syncs_in_flight_are_finished(one, upstream):
    await sync_whole(one, upstream)
    call = one.status(b"a")
    _, outcome = await upstream.next()
    call.cancel()
    closing = asyncio.create_task(one.syncs.close())
    await asyncio.wait([call])
    assert not closing.done()
    outcome.set_result(None)
    await closing
    assert await one.stored() == b"1a"


class RandomUpstream(Upstream):
    """Executes each request after a random time, and then loses some responses and some requests.

    Checks that requests do not overlap, and that each status is on top of the last order that was answered.
    """

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.answered = b""
        """The last content that was executed and answered."""
        self.in_flight = 0

    async def send(self, message, _deadline):
        self.in_flight += 1
        assert self.in_flight == 1
        content = message.value
        if len(content) > 2:  # a status: two bytes on top of the stored order
            assert content[:-2] == self.answered
        await asyncio.sleep(self.random.uniform(0, 0.004))
        self.in_flight -= 1
        if self.random.random() < 0.1:
            raise ConnectError("not sent")
        self.content = content
        if self.random.random() < 0.1:
            raise ConnectionLost("executed, and the response is lost")
        self.answered = content
        return b"ok"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_no_schedule_undoes_what_was_answered(url, seed):
    """Two replicas, whole orders and statuses, cancellations, deadlines, lost requests and responses."""
    upstream = RandomUpstream(seed)
    config = FullOrderSyncConfig(max_wait_s=10, unknown_outcome_s=0.02, poll_interval_s=0.05)
    async with AsyncExitStack() as stack:
        replicas = [
            Replica(await stack.enter_async_context(storage_lifespan(url)), upstream, config)
            for _ in range(1 if url.startswith("sqlite") else 2)
        ]
        outcomes = Counter()
        numbers = itertools.count()

        async def call_often(replica):
            for _ in range(20):
                text = b"%02d" % (next(numbers) % 100)
                if upstream.random.random() < 0.2:
                    sync = whole(upstream, text)
                else:
                    sync = status(upstream, text)
                call = replica.run(sync, upstream.random.choice([0.01, 20, 20, 20]))
                if upstream.random.random() < 0.2:
                    await asyncio.wait([call], timeout=upstream.random.uniform(0, 0.01))
                    call.cancel()
                await asyncio.wait([call])
                error = asyncio.CancelledError() if call.cancelled() else call.exception()
                outcomes[type(error).__name__] += 1
                if error is None:
                    assert text in (upstream.answered[-2:], *history(upstream.answered))

        def history(content):
            return [content[index : index + 2] for index in range(0, len(content), 2)]

        await asyncio.gather(
            *(call_often(replica) for replica in replicas for _ in range(8 // len(replicas)))
        )
        for replica in replicas:
            await replica.syncs.close()
        assert await replicas[0].stored() == upstream.answered
    unexpected = outcomes.keys() - {
        "CancelledError",
        "ConnectError",
        "ConnectionLost",
        "DeadlineExceeded",
        "DeadlineExceededInFlight",
        "NoFullSync",
        "NoneType",
        "SyncInProgress",
    }
    assert not unexpected, outcomes
    assert outcomes["NoneType"] > 20, outcomes  # the test has a point
