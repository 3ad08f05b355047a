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
from services.store import Finished, RequestedCall, Started, UnknownOutcome

DAY_S = 86_400


def call(**fields):
    values = {"caller": "shop", "rpc": "Sync", "request_id": "r1", "content_hash": b"h1"}
    return RequestedCall(**values | fields)


async def begin(room, *, resend=False, lease_s=30, **fields):
    return await room.request_ids.begin(call(**fields), lease_s=lease_s, resend=resend)


async def test_a_success_is_returned_for_a_day(room, clock):
    begun = await begin(room)
    await room.request_ids.finish(begun, b"answer")
    assert await begin(room) == Finished(response=b"answer")
    with pytest.raises(RequestIdReused):
        await begin(room, content_hash=b"h2")
    clock.pass_s(DAY_S - 1)
    assert await begin(room) == Finished(response=b"answer")
    clock.pass_s(1)
    assert isinstance(await begin(room, content_hash=b"h2"), Started)


async def test_another_caller_or_rpc_is_another_call(room):
    await begin(room)
    for fields in ({"caller": ""}, {"rpc": "Register"}, {"request_id": "r2"}):
        assert isinstance(await begin(room, **fields), Started)


async def test_while_it_runs_a_repeat_is_refused(room, other):
    await begin(room)
    for replica in (room, other):
        with pytest.raises(RequestInProgress):
            await begin(replica)
        with pytest.raises(RequestIdReused):
            await begin(replica, content_hash=b"h2")


async def test_a_refusal_frees_the_id(room):
    await room.request_ids.free(await begin(room))
    assert isinstance(await begin(room, content_hash=b"h2"), Started)


async def test_an_unknown_outcome_is_kept_or_sent_again(room, clock):
    await room.request_ids.unknown(await begin(room))
    assert await begin(room) == UnknownOutcome()
    clock.pass_s(DAY_S - 1)
    with pytest.raises(RequestIdReused):
        await begin(room, content_hash=b"h2")
    begun = await begin(room, resend=True)
    assert isinstance(begun, Started)
    with pytest.raises(RequestInProgress):
        await begin(room, resend=True)
    await room.request_ids.finish(begun, b"late")
    assert await begin(room) == Finished(response=b"late")


async def test_a_run_whose_process_died_becomes_unknown(room, clock):
    lost = await begin(room)
    clock.pass_s(30)
    assert await begin(room) == UnknownOutcome()
    taken_over = await begin(room, resend=True)
    await room.request_ids.finish(lost, b"too late")
    with pytest.raises(RequestInProgress):
        await begin(room)
    await room.request_ids.finish(taken_over, b"in time")
    assert await begin(room) == Finished(response=b"in time")


async def test_one_of_many_begins(room, other):
    begun = await asyncio.gather(
        *(begin(replica) for replica in (room, other) for _ in range(10)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in begun) == ["RequestInProgress"] * 19 + ["Started"]


async def run(room, work, *, resend=False, within_s=5, **fields):
    return await room.once.run(call(**fields), work, within_s=within_s, resend=resend)


async def failing(error):
    raise error


async def answering(response=b"answer"):
    return response


async def test_run_once_and_answered_again(room):
    assert await run(room, answering) == b"answer"
    assert await run(room, lambda: failing(AssertionError("run twice"))) == b"answer"


@pytest.mark.parametrize("error", [UpstreamRefused("UPSTREAM_REFUSED", "no"), ConnectError("not sent")])
async def test_what_did_not_run_frees_the_id(room, error):
    with pytest.raises(type(error)):
        await run(room, lambda: failing(error))
    assert await run(room, answering, content_hash=b"h2") == b"answer"


@pytest.mark.parametrize("error", [UpstreamFault("500"), OutcomeUnknown("?"), KeyError("ours")])
async def test_what_may_have_run_is_unknown(room, error):
    with pytest.raises(type(error)):
        await run(room, lambda: failing(error))
    with pytest.raises(OutcomeUnknown):
        await run(room, answering)
    assert await run(room, answering, resend=True) == b"answer"


async def test_too_long_is_unknown(room):
    with pytest.raises(DeadlineExceededInFlight):
        await run(room, asyncio.Event().wait, within_s=0.02)
    with pytest.raises(OutcomeUnknown):
        await run(room, answering)


async def test_a_caller_that_leaves_does_not_end_the_call(room):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        started.set()
        await go_on.wait()
        return b"slow"

    leaving = asyncio.create_task(run(room, slow))
    await started.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    with pytest.raises(RequestInProgress):
        await run(room, answering)
    go_on.set()
    await room.once.close()
    assert await run(room, answering) == b"slow"
