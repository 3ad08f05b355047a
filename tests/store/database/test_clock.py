"""The store's time: follows the database's clock, is never set back, and is the same in all replicas."""

import contextlib

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from services.store import (
    Deliveries,
    IdempotentRequest,
    RetryOutcome,
    Started,
    StorageConfig,
    UnknownOutcome,
    migrate,
    open_store,
    storage_lifespan,
)
from services.store.database import future_times
from services.store.database.clock import SLOWDOWN, StoreClock
from services.store.database.schema import deliveries, messages, subscription_messages
from services.store.database.sql_dialect import read_time_ms
from services.store.outbox.claims import Claims, RetryPolicy
from tests.store.factories import NOW_MS, build_delivery, build_message, build_request_fields
from tests.store.leasing import get_ids, lease, set_lease, subscribe

HOUR_S = 3600.0
LIMITS = {"SyncOrder": 10}


class FakeTime:
    """A database's clock, and the monotonic clocks of all processes. Only the test advances them."""

    def __init__(self) -> None:
        self.source_ms = float(NOW_MS)
        self.monotonic_s = 1000.0
        self.round_trips_s = [0.0]
        """Of the next readings; the last one is repeated."""

    async def read_source(self, _connection) -> float:
        round_trip_s = self.round_trips_s.pop(0) if len(self.round_trips_s) > 1 else self.round_trips_s[0]
        self.advance_s(round_trip_s / 2)
        source_ms = self.source_ms
        self.advance_s(round_trip_s / 2)
        return source_ms

    def advance_s(self, seconds: float) -> None:
        self.source_ms += seconds * 1000
        self.monotonic_s += seconds

    def step_s(self, seconds: float) -> None:
        """Set the database's clock."""
        self.source_ms += seconds * 1000

    def build_clock(self, machine_skew_s: float = 0.0) -> StoreClock:
        return StoreClock(
            self.read_source, lambda: self.monotonic_s, lambda: self.source_ms / 1000 + machine_skew_s
        )


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def open_replica(url, fake_time):
    """`clock, storage = await open_replica()`: a replica with its own clock."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one():
            clock = fake_time.build_clock()
            return clock, await stack.enter_async_context(storage_lifespan(url, StorageConfig(), clock))

        yield open_one


async def test_the_time_advances_with_the_database_and_not_with_the_machine(open_replica, fake_time):
    clock, storage = await open_replica()
    assert clock() == NOW_MS
    fake_time.advance_s(5)
    assert clock() == NOW_MS + 5_000
    fake_time.step_s(0.25)
    assert clock() == NOW_MS + 5_000, "it was not measured yet"
    await clock.synchronize(storage.store)
    assert clock() == NOW_MS + 5_250


async def test_the_time_follows_a_step_forward_at_once(open_replica, fake_time):
    clock, storage = await open_replica()
    before = REGISTRY.get_sample_value("nationalsite_store_clock_steps_total", {"direction": "forward"})
    fake_time.step_s(HOUR_S)
    await clock.synchronize(storage.store)
    assert clock() == NOW_MS + 3_600_000
    after = REGISTRY.get_sample_value("nationalsite_store_clock_steps_total", {"direction": "forward"})
    assert after == before + 1


async def test_after_a_step_back_the_time_goes_on_slowly_until_the_database_has_caught_up(
    open_replica, fake_time
):
    clock, storage = await open_replica()
    before = REGISTRY.get_sample_value("nationalsite_store_clock_steps_total", {"direction": "back"})
    fake_time.step_s(-HOUR_S)
    await clock.synchronize(storage.store)
    assert clock() == NOW_MS
    for _ in range(10):
        before_ms = clock()
        fake_time.advance_s(HOUR_S)
        assert clock() - before_ms == pytest.approx((1 - SLOWDOWN) * HOUR_S * 1000, abs=2)
        await clock.synchronize(storage.store)
    fake_time.advance_s(1)
    await clock.synchronize(storage.store)
    assert clock() == int(fake_time.source_ms)
    after = REGISTRY.get_sample_value("nationalsite_store_clock_steps_total", {"direction": "back"})
    assert after == before + 1


@pytest.mark.parametrize("is_new", [False, True], ids=["running replica", "new replica"])
async def test_a_step_back_that_is_undone_ends_the_lead(is_new, open_replica, fake_time):
    clock, storage = await open_replica()
    fake_time.step_s(-HOUR_S)
    await clock.synchronize(storage.store)
    fake_time.advance_s(10)
    fake_time.step_s(HOUR_S)
    if is_new:
        clock, storage = await open_replica()
    await clock.synchronize(storage.store)
    assert clock() == int(fake_time.source_ms)


async def test_a_replica_that_starts_after_a_step_back_has_the_time_of_the_others(open_replica, fake_time):
    first, first_storage = await open_replica()
    fake_time.step_s(-HOUR_S)
    await first.synchronize(first_storage.store)
    fake_time.advance_s(9)
    second, second_storage = await open_replica()
    assert first() == pytest.approx(NOW_MS + 9_000 * (1 - SLOWDOWN), abs=2)
    assert second() == pytest.approx(first(), abs=2)
    for clock, storage in ((second, second_storage), (first, first_storage)) * 3:
        fake_time.advance_s(5)
        await clock.synchronize(storage.store)
        assert second() == pytest.approx(first(), abs=2)


async def test_a_replica_that_measured_before_the_step_does_not_remove_the_lead(open_replica, fake_time):
    first, first_storage = await open_replica()
    second, second_storage = await open_replica()
    await first.synchronize(first_storage.store)
    fake_time.advance_s(5)
    fake_time.step_s(-HOUR_S)
    third, _ = await open_replica()
    assert third() == pytest.approx(NOW_MS, abs=2), "the last time that is known to have been"
    await second.synchronize(second_storage.store)
    await first.synchronize(first_storage.store)
    fourth, _ = await open_replica()
    assert fourth() == pytest.approx(first(), abs=2) == pytest.approx(second(), abs=2)
    assert first() == NOW_MS + 5_000


async def test_of_slow_readings_the_fastest_counts_and_the_time_moves_only_as_far_as_is_proven(
    open_replica, fake_time
):
    fake_time.round_trips_s = [4.0, 0.2, 3.0]
    clock, storage = await open_replica()
    assert REGISTRY.get_sample_value("nationalsite_store_clock_error_seconds") == pytest.approx(0.1)
    assert clock() == pytest.approx(fake_time.source_ms, abs=1)
    fake_time.step_s(2.5)
    fake_time.round_trips_s = [4.0]  # the time may be 2 s earlier or later than the middle
    await clock.synchronize(storage.store)
    assert clock() == pytest.approx(fake_time.source_ms - 2_000, abs=1)
    fake_time.round_trips_s = [0.0]
    await clock.synchronize(storage.store)
    assert clock() == int(fake_time.source_ms)


async def test_the_skew_of_the_machine_is_measured(url, fake_time):
    async with open_store(url, clock=fake_time.build_clock(machine_skew_s=5.0)) as store:
        assert store.clock() == NOW_MS
        assert REGISTRY.get_sample_value("nationalsite_machine_clock_skew_seconds") == pytest.approx(5)


@pytest.mark.postgres
async def test_on_postgresql_the_time_is_the_servers(server, monkeypatch):
    """Also if the machines differ by minutes."""
    migrate(server.url())
    async with open_store(server.url()) as store:
        monkeypatch.setattr("time.time", lambda: 1.0)
        monkeypatch.setattr("time.time_ns", lambda: 10**9)
        async with open_store(server.url()) as other:
            before_ms = await store.read(read_time_ms)
            times_ms = [other.clock(), store.clock(), other.clock()]
            after_ms = await store.read(read_time_ms)
    assert all(before_ms - 500 <= time_ms <= after_ms + 500 for time_ms in times_ms)


async def test_after_a_step_back_leases_and_retries_do_not_wait_for_it(open_replica, fake_time):
    clock, storage = await open_replica()
    other_clock, other = await open_replica()
    await subscribe(storage)
    await storage.inbox.store([build_message(1), build_message(2)])
    await storage.deliveries.enqueue(build_delivery(1))
    first, second = await lease(storage, lease_s=30)
    claims, other_claims = (Claims(each.store, each.notifier, RetryPolicy()) for each in (storage, other))
    assert len(await claims.claim(LIMITS, 1, lease_s=30)) == 1
    fake_time.step_s(-HOUR_S)
    await clock.synchronize(storage.store)
    await set_lease(storage, [first], 0)
    assert get_ids(await lease(other, lease_s=600)) == ["m1"], (
        "free at once, also in a replica with the earlier time"
    )
    await other_clock.synchronize(other.store)
    fake_time.advance_s(29)
    assert await lease(other) == [] == await other_claims.claim(LIMITS, 1, lease_s=30)
    fake_time.advance_s(30 / (1 - SLOWDOWN) - 29)
    assert get_ids(await lease(other)) == [second.message.message_id]
    assert len(await other_claims.claim(LIMITS, 1, lease_s=30)) == 1


async def test_times_that_are_too_far_in_the_future_are_corrected(open_replica, fake_time, monkeypatch):
    """After the clock was a year ahead: nothing waits longer than the longest lease."""
    monkeypatch.setattr(future_times, "BATCH_SIZE", 2)
    fake_time.step_s(365 * 24 * HOUR_S)
    clock, storage = await open_replica()
    await subscribe(storage)
    await storage.inbox.store([build_message(number) for number in range(5)])
    assert len(await lease(storage, lease_s=600)) == 5
    for number in range(2):
        await storage.deliveries.enqueue(build_delivery(number))
    claims = Claims(storage.store, storage.notifier, RetryPolicy())
    _leased, to_be_retried = await claims.claim(LIMITS, 2, lease_s=60)
    await claims.record(to_be_retried, RetryOutcome(error=b"", retry_after_s=300))
    fields = build_request_fields()
    running = IdempotentRequest(**fields)
    assert isinstance(await start(storage, running), Started)
    await clock.synchronize(storage.store)

    fake_time.step_s(-365 * 24 * HOUR_S)
    await clock.synchronize(storage.store)
    assert clock() == NOW_MS
    (other_claim,) = await claims.claim(LIMITS, 2, lease_s=60)
    assert other_claim.seq == to_be_retried.seq, "due at once, and the other leased"
    assert await lease(storage) == []
    assert await read_times(storage, deliveries.c.retry_start_time_ms) == {NOW_MS}
    assert await read_times(storage, messages.c.receive_time_ms) == {NOW_MS}
    lease_ends = await read_times(storage, subscription_messages.c.lease_expire_time_ms)
    assert lease_ends == {NOW_MS + future_times.MAX_LEASE_MS}
    fake_time.advance_s(600)
    assert len(await lease(storage)) == 5
    assert len(await claims.claim(LIMITS, 2, lease_s=60)) == 2
    assert isinstance(await start(storage, running), UnknownOutcome)


async def test_a_replica_that_starts_after_a_far_step_back_corrects_the_times(open_replica, fake_time, url):
    fake_time.step_s(24 * HOUR_S)
    async with open_store(url, clock=fake_time.build_clock()) as store:
        await Deliveries(store, _NoNotifier()).enqueue(build_delivery(1))
        await store.clock.synchronize(store)
    fake_time.step_s(-24 * HOUR_S)
    clock, storage = await open_replica()
    assert clock() == NOW_MS
    await clock.synchronize(storage.store)
    assert len(await Claims(storage.store, storage.notifier, RetryPolicy()).claim(LIMITS, 1, lease_s=60)) == 1


class _NoNotifier:
    def notify(self, *_channels: str) -> None:
        pass


async def start(storage, request):
    return await storage.idempotency_keys.start(request, lease_s=30, is_idempotent=False)


async def read_times(storage, column):
    return set((await storage.store.read(lambda connection: connection.execute(select(column)))).scalars())
