"""Request ids: a repeat is answered, and not carried out again."""

import asyncio

import pytest

from services.errors import (
    ConnectError,
    DeadlineExceededInFlight,
    OutcomeUnknown,
    RequestIdReused,
    RequestInProgress,
    UpstreamFault,
    UpstreamRefused,
)
from services.store import IdempotentRequest, Started, Succeeded, UnknownOutcome

DAY_S = 86_400


def call_fields(**fields):
    return {"caller": "shop", "rpc": "Sync", "request_id": "r1", "content_hash": b"h1"} | fields


async def begin(storage, *, is_idempotent=False, lease_s=30, **fields):
    return await storage.idempotency_keys.start(
        IdempotentRequest(**call_fields(**fields)), lease_s=lease_s, is_idempotent=is_idempotent
    )


async def test_a_success_is_returned_for_a_day(storage, clock):
    begun = await begin(storage)
    await storage.idempotency_keys.record_success(begun, b"answer")
    assert await begin(storage) == Succeeded(response=b"answer")
    with pytest.raises(RequestIdReused):
        await begin(storage, content_hash=b"h2")
    clock.pass_s(DAY_S - 1)
    assert await begin(storage) == Succeeded(response=b"answer")
    clock.pass_s(1)
    assert isinstance(await begin(storage, content_hash=b"h2"), Started)


async def test_another_caller_or_rpc_is_another_call(storage):
    await begin(storage)
    for fields in ({"caller": ""}, {"rpc": "Register"}, {"request_id": "r2"}):
        assert isinstance(await begin(storage, **fields), Started)


async def test_while_it_runs_a_repeat_is_refused(storage, other):
    await begin(storage)
    for replica in (storage, other):
        with pytest.raises(RequestInProgress):
            await begin(replica)
        with pytest.raises(RequestIdReused):
            await begin(replica, content_hash=b"h2")


async def test_a_refusal_frees_the_id(storage):
    await storage.idempotency_keys.release(await begin(storage))
    assert isinstance(await begin(storage, content_hash=b"h2"), Started)


async def test_an_unknown_outcome_is_kept_or_sent_again(storage, clock):
    await storage.idempotency_keys.record_unknown(await begin(storage))
    assert await begin(storage) == UnknownOutcome()
    clock.pass_s(DAY_S - 1)
    with pytest.raises(RequestIdReused):
        await begin(storage, content_hash=b"h2")
    begun = await begin(storage, is_idempotent=True)
    assert isinstance(begun, Started)
    with pytest.raises(RequestInProgress):
        await begin(storage, is_idempotent=True)
    await storage.idempotency_keys.record_success(begun, b"late")
    assert await begin(storage) == Succeeded(response=b"late")


async def test_a_run_whose_process_died_becomes_unknown(storage, clock):
    lost = await begin(storage)
    clock.pass_s(30)
    assert await begin(storage) == UnknownOutcome()
    taken_over = await begin(storage, is_idempotent=True)
    await storage.idempotency_keys.record_success(lost, b"too late")
    with pytest.raises(RequestInProgress):
        await begin(storage)
    await storage.idempotency_keys.record_success(taken_over, b"in time")
    assert await begin(storage) == Succeeded(response=b"in time")


async def test_one_of_many_begins(storage, other):
    begun = await asyncio.gather(
        *(begin(replica) for replica in (storage, other) for _ in range(10)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in begun) == ["RequestInProgress"] * 19 + ["Started"]


async def run(storage, work, *, is_idempotent=False, timeout_s=5, **fields):
    return await storage.idempotent_executor.execute(
        work, **call_fields(**fields), timeout_s=timeout_s, is_idempotent=is_idempotent
    )


async def failing(error):
    raise error


async def answering(response=b"answer"):
    return response


async def test_run_once_and_answered_again(storage):
    assert await run(storage, answering) == b"answer"
    assert await run(storage, lambda: failing(AssertionError("run twice"))) == b"answer"


@pytest.mark.parametrize("error", [UpstreamRefused("UPSTREAM_REFUSED", "no"), ConnectError("not sent")])
async def test_what_did_not_run_frees_the_id(storage, error):
    with pytest.raises(type(error)):
        await run(storage, lambda: failing(error))
    assert await run(storage, answering, content_hash=b"h2") == b"answer"


@pytest.mark.parametrize("error", [UpstreamFault("500"), OutcomeUnknown("?"), KeyError("ours")])
async def test_what_may_have_run_is_unknown(storage, error):
    with pytest.raises(type(error)):
        await run(storage, lambda: failing(error))
    with pytest.raises(OutcomeUnknown):
        await run(storage, answering)
    assert await run(storage, answering, is_idempotent=True) == b"answer"


async def test_too_long_is_unknown(storage):
    with pytest.raises(DeadlineExceededInFlight):
        await run(storage, asyncio.Event().wait, timeout_s=0.02)
    with pytest.raises(OutcomeUnknown):
        await run(storage, answering)


async def test_a_caller_that_leaves_does_not_end_the_call(storage):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        started.set()
        await go_on.wait()
        return b"slow"

    leaving = asyncio.create_task(run(storage, slow))
    await started.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    with pytest.raises(RequestInProgress):
        await run(storage, answering)
    go_on.set()
    await storage.idempotent_executor.close()
    assert await run(storage, answering) == b"slow"
