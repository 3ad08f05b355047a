"""Idempotency keys: which calls start, and which get a recorded outcome."""

import asyncio

import pytest

from services.errors import OutOrderIdReused, RequestIdReused, RequestInProgress
from services.store import IdempotentRequest, Started, Succeeded, UnknownOutcome
from services.store.idempotency.keys import NotExecutedOutcome
from tests.store.factories import build_request_fields

DAY_S = 86_400
RESOURCE = {"resource_id": "o1"}


async def start(storage, *, is_idempotent=False, lease_s=30, **fields):
    return await storage.idempotency_keys.start(
        IdempotentRequest(**build_request_fields(**fields)), lease_s=lease_s, is_idempotent=is_idempotent
    )


async def test_a_response_is_returned_for_a_day(storage, clock):
    started = await start(storage)
    await storage.idempotency_keys.record_success(started, b"response")
    assert await start(storage) == Succeeded(response=b"response")
    with pytest.raises(RequestIdReused):
        await start(storage, content_hash=b"h2")
    clock.advance_s(DAY_S - 1)
    assert await start(storage) == Succeeded(response=b"response")
    clock.advance_s(1)
    assert isinstance(await start(storage, content_hash=b"h2"), Started)


async def test_caller_rpc_and_request_id_are_the_key(storage):
    await start(storage)
    for fields in ({"caller": ""}, {"rpc": "Register"}, {"request_id": "r2"}):
        assert isinstance(await start(storage, **fields), Started)


async def test_a_retry_is_rejected_while_the_first_call_runs(storage, other_replica):
    await start(storage)
    for replica in (storage, other_replica):
        with pytest.raises(RequestInProgress):
            await start(replica)
        with pytest.raises(RequestIdReused):
            await start(replica, content_hash=b"h2")


async def test_a_released_id_can_be_used_again(storage):
    await storage.idempotency_keys.release(await start(storage))
    assert isinstance(await start(storage, content_hash=b"h2"), Started)


async def test_after_an_unknown_outcome_only_an_idempotent_call_starts_again(storage, clock):
    await storage.idempotency_keys.record_unknown(await start(storage))
    assert isinstance(await start(storage), UnknownOutcome)
    clock.advance_s(DAY_S - 1)
    with pytest.raises(RequestIdReused):
        await start(storage, content_hash=b"h2")
    started = await start(storage, is_idempotent=True)
    assert isinstance(started, Started)
    with pytest.raises(RequestInProgress):
        await start(storage, is_idempotent=True)
    await storage.idempotency_keys.record_success(started, b"late")
    assert await start(storage) == Succeeded(response=b"late")


async def test_an_expired_lease_is_an_unknown_outcome(storage, clock):
    expired = await start(storage)
    clock.advance_s(30)
    assert isinstance(await start(storage), UnknownOutcome)
    taken_over = await start(storage, is_idempotent=True)
    await storage.idempotency_keys.record_success(expired, b"too late")
    with pytest.raises(RequestInProgress):
        await start(storage)
    await storage.idempotency_keys.record_success(taken_over, b"in time")
    assert await start(storage) == Succeeded(response=b"in time")


async def test_one_of_many_concurrent_calls_starts(storage, other_replica):
    results = await asyncio.gather(
        *(start(replica) for replica in (storage, other_replica) for _ in range(10)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["RequestInProgress"] * 19 + ["Started"]


@pytest.mark.parametrize("other", [{"request_id": "r2"}, {"caller": "other"}], ids=["request id", "caller"])
async def test_a_resource_id_belongs_to_one_call(storage, other_replica, other):
    started = await start(storage, **RESOURCE)
    for replica in (storage, other_replica):
        with pytest.raises(OutOrderIdReused):
            await start(replica, **RESOURCE, **other)
    assert isinstance(await start(storage, **RESOURCE, rpc="Register"), Started)
    await storage.idempotency_keys.release(started)
    assert isinstance(await start(storage, **RESOURCE, **other, content_hash=b"h2"), Started)


async def test_one_of_many_concurrent_calls_takes_a_resource_id(storage, other_replica):
    results = await asyncio.gather(
        *(
            start(replica, **RESOURCE, request_id=f"r{number}")
            for number in range(10)
            for replica in (storage, other_replica)
        ),
        return_exceptions=True,
    )
    names = sorted(type(result).__name__ for result in results)
    assert names.count("Started") == 1
    assert set(names) <= {"Started", "OutOrderIdReused", "RequestInProgress"}


@pytest.mark.parametrize("outcome", ["success", "unknown", "none"])
async def test_a_resource_id_is_retained_longer_than_others(storage, clock, outcome):
    started = await start(storage, **RESOURCE)
    if outcome == "success":
        await storage.idempotency_keys.record_success(started, b"response")
    elif outcome == "unknown":
        await storage.idempotency_keys.record_unknown(started)
    clock.advance_s(90 * DAY_S - 1)
    await storage.retention.sweep()
    assert isinstance(await start(storage, **RESOURCE), (Succeeded, UnknownOutcome))
    with pytest.raises(OutOrderIdReused):
        await start(storage, **RESOURCE, request_id="r2")
    clock.advance_s(31)  # an expired lease is retained from its end
    assert isinstance(await start(storage, **RESOURCE, request_id="r2"), Started)


async def test_an_unknown_outcome_does_not_replace_one_that_was_found(storage):
    started = await start(storage, **RESOURCE)
    await storage.idempotency_keys.record_success(started, b"found")
    await storage.idempotency_keys.record_unknown(started)
    assert await start(storage, **RESOURCE) == Succeeded(response=b"found")


async def test_an_operator_decides_on_unknown_outcomes_only(storage, clock):
    keys = storage.idempotency_keys
    started = await start(storage, **RESOURCE)
    assert await keys.decide("Sync", "o1", b"found") is None  # it still runs
    clock.advance_s(30)
    unknown = await start(storage, resource_id="o2", request_id="r2")
    await keys.record_unknown(unknown)
    await keys.record_unknown(await start(storage, request_id="r3"))
    listed = await keys.list_unknown("Sync", limit=10)
    assert [outcome.execution for outcome in listed] == [started, unknown]
    assert await keys.count_unknown() == 2

    assert await keys.decide("Sync", "o1", b"found") == started
    assert await start(storage, **RESOURCE) == Succeeded(response=b"found")
    assert await keys.decide("Sync", "o1", None) is None
    assert await keys.decide("Sync", "o2", None) == unknown
    assert await start(storage, resource_id="o2", request_id="r2") == NotExecutedOutcome()
    with pytest.raises(OutOrderIdReused):
        await start(storage, resource_id="o2", request_id="r4")
    assert await keys.decide("Sync", "o2", b"late") == unknown
    assert await start(storage, resource_id="o2", request_id="r2") == Succeeded(response=b"late")
    assert await keys.list_unknown("Sync", limit=10) == []
