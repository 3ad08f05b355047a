"""Idempotency keys: which calls start, and which get a recorded outcome."""

import asyncio

import pytest

from services.errors import RequestIdReused, RequestInProgress
from services.store import IdempotentRequest, Started, Succeeded, UnknownOutcome
from tests.store.factories import build_request_fields

DAY_S = 86_400


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
    assert await start(storage) == UnknownOutcome()
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
    assert await start(storage) == UnknownOutcome()
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
