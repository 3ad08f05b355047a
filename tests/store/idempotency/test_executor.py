"""Calls with a request id are executed once, and their retries get the response."""

import asyncio
import contextlib

import pytest
import structlog

from services.errors import (
    ConnectError,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    NotExecuted,
    OutcomeUnknown,
    RequestInProgress,
    StoreUnavailable,
    UpstreamFault,
    UpstreamRefused,
)
from services.store import IdempotentRequest
from services.store.idempotency import executor
from tests.store.factories import build_request_fields, wait_until
from tests.store.lost_commits import lose_commits


async def execute(storage, work, *, is_idempotent=False, timeout_s=5, search=None, **fields):
    return await storage.idempotent_executor.execute(
        work,
        **build_request_fields(**fields),
        timeout_s=timeout_s,
        is_idempotent=is_idempotent,
        search=search,
    )


async def fail(error):
    raise error


async def respond(response=b"response"):
    return response


async def test_a_retry_gets_the_response_of_the_first_call(storage):
    assert await execute(storage, respond) == b"response"
    assert await execute(storage, lambda: fail(AssertionError("executed twice"))) == b"response"


@pytest.mark.parametrize("error", [UpstreamRefused("UPSTREAM_REFUSED", "no"), ConnectError("not sent")])
async def test_an_error_before_execution_releases_the_id(storage, error):
    with pytest.raises(type(error)):
        await execute(storage, lambda: fail(error))
    assert await execute(storage, respond, content_hash=b"h2") == b"response"


@pytest.mark.parametrize("error", [UpstreamFault("500"), OutcomeUnknown("?"), KeyError("ours")])
async def test_an_error_that_may_have_executed_is_an_unknown_outcome(storage, error):
    with pytest.raises(type(error)):
        await execute(storage, lambda: fail(error))
    with pytest.raises(OutcomeUnknown):
        await execute(storage, respond)
    assert await execute(storage, respond, is_idempotent=True) == b"response"


async def test_a_timeout_is_an_unknown_outcome(storage):
    with pytest.raises(DeadlineExceededInFlight):
        await execute(storage, asyncio.Event().wait, timeout_s=1)
    with pytest.raises(OutcomeUnknown):
        await execute(storage, respond)


async def test_a_call_continues_when_its_caller_is_cancelled(storage):
    started, may_finish = asyncio.Event(), asyncio.Event()

    async def slow():
        started.set()
        await may_finish.wait()
        return b"slow"

    calling = asyncio.create_task(execute(storage, slow))
    await started.wait()
    calling.cancel()
    await asyncio.wait([calling])
    with pytest.raises(RequestInProgress):
        await execute(storage, respond)
    may_finish.set()
    await storage.idempotent_executor.close()
    assert await execute(storage, respond) == b"slow"


async def test_an_id_is_used_once_whenever_its_caller_is_cancelled(storage):
    """Also while the id is stored: otherwise it would be taken, and nothing sent."""
    executed = []

    async def work():
        executed.append(request_id)
        return b"response"

    for loop_turns in range(0, 48, 4):
        request_id = f"r{loop_turns}"
        calling = asyncio.create_task(execute(storage, work, request_id=request_id))
        for _ in range(loop_turns + 1):
            await asyncio.sleep(0)
        calling.cancel()
        await asyncio.wait([calling])
        await storage.idempotent_executor.close()
        assert await execute(storage, work, request_id=request_id) == b"response"
        assert executed.count(request_id) == 1


async def test_nothing_is_sent_if_the_caller_left_while_the_id_was_stored(storage):
    """It could overtake the caller's next call. The id is free."""
    calling = asyncio.create_task(execute(storage, lambda: fail(AssertionError("sent"))))
    await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait([calling])
    await storage.idempotent_executor.close()
    assert await execute(storage, respond, content_hash=b"h2") == b"response"


async def test_a_call_ends_at_its_deadline_before_anything_is_sent(storage):
    with pytest.raises(DeadlineExceeded) as caught:
        await execute(storage, respond, timeout_s=-1)
    assert not caught.value.may_have_executed
    assert await execute(storage, respond, content_hash=b"h2") == b"response"


async def execute_later(storage, **fields):
    """Execute a call as soon as its id is free."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await execute(storage, respond, **fields)
            except RequestInProgress:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("failures_afterwards", [0, 3])
async def test_an_id_is_free_after_the_response_of_its_commit_was_lost(storage, failures_afterwards):
    """The row is stored and nothing was sent. The store may stay unavailable for a while."""
    with lose_commits(storage.store, committed=1, failed=failures_afterwards) as lost:
        with pytest.raises(StoreUnavailable):
            await execute(storage, lambda: fail(AssertionError("executed")))
        await wait_until(lambda: lost.is_done)
    assert await execute_later(storage) == b"response"


async def test_a_retry_at_the_same_replica_does_not_wait_for_the_release(storage, clock):
    """Not even after the end of the lease, when a call that was executed has an unknown outcome."""
    with lose_commits(storage.store, committed=1, failed=1) as lost:
        with pytest.raises(StoreUnavailable):
            await execute(storage, lambda: fail(AssertionError("executed")))
        await wait_until(lambda: lost.is_done)
        clock.advance_s(60)
        assert await execute(storage, respond, content_hash=b"h2") == b"response"


@pytest.mark.parametrize("error", [None, OutcomeUnknown("?"), ConnectError("not sent")])
async def test_an_outcome_is_recorded_as_soon_as_the_store_is_available(storage, error):
    with lose_commits(storage.store) as lost:

        async def work():
            lost.arm(failed=3)
            return await (fail(error) if error else respond())

        with contextlib.suppress(OutcomeUnknown, ConnectError):
            assert await execute(storage, work) == b"response"
        await wait_until(lambda: lost.is_done)
    if isinstance(error, OutcomeUnknown):
        with pytest.raises(OutcomeUnknown):
            await execute_later(storage)
    else:
        assert await execute_later(storage) == b"response"


async def test_what_cannot_be_recorded_is_logged_when_the_store_is_closed(open_storage):
    with structlog.testing.capture_logs() as logs, contextlib.ExitStack() as stack:
        async with open_storage() as storage:
            stack.enter_context(lose_commits(storage.store, committed=1, failed=1000))
            with pytest.raises(StoreUnavailable):
                await execute(storage, respond)
    assert [line["what"] for line in logs if line["event"] == "write_given_up"] == ["request_id_release"]


class Search:
    """A search that a test ends. Counts how often it was started."""

    def __init__(self, *responses):
        self.responses = list(responses)
        self.starts = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, start_time_ms):
        self.starts += 1
        await self.may_end.wait()
        response = self.responses.pop(0)
        return await (fail(response) if isinstance(response, Exception) else respond(response))


def count_starts(storage, monkeypatch):
    """Return a list that grows when the store has answered the start of a call."""
    start, answers = storage.idempotency_keys.start, []

    async def count(*args, **kwargs):
        answers.append(await start(*args, **kwargs))
        return answers[-1]

    monkeypatch.setattr(storage.idempotency_keys, "start", count)
    return answers


@pytest.mark.parametrize("error", [OutcomeUnknown("?"), KeyError("ours")])
async def test_what_the_search_finds_is_the_response(storage, error):
    search = Search(b"found")
    assert await execute(storage, lambda: fail(error), search=search) == b"found"
    assert await execute(storage, respond, search=search) == b"found"
    assert search.starts == 1


async def test_a_search_gets_the_time_at_which_the_call_started(storage, clock):
    times = []

    async def search(start_time_ms):
        times.append(start_time_ms)

    started_ms = clock()
    with pytest.raises(OutcomeUnknown):
        await execute(storage, lambda: fail(OutcomeUnknown("?")), search=search)
    clock.advance_s(3600)
    with pytest.raises(OutcomeUnknown):
        await execute(storage, respond, search=search)
    assert times == [started_ms, started_ms]


async def test_each_repeat_searches_and_never_sends(storage):
    search = Search(None, ConnectError("no"), KeyError("ours"), b"found")
    with pytest.raises(OutcomeUnknown):
        await execute(storage, lambda: fail(OutcomeUnknown("?")), search=search)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await execute(storage, lambda: fail(AssertionError("sent")), search=search)
    assert await execute(storage, lambda: fail(AssertionError("sent")), search=search) == b"found"
    assert search.starts == 4


async def test_after_a_crash_a_repeat_searches_when_the_lease_ends(storage, clock):
    await storage.idempotency_keys.start(
        IdempotentRequest(**build_request_fields()), lease_s=30, is_idempotent=False
    )
    search = Search(b"found")
    with pytest.raises(RequestInProgress):
        await execute(storage, respond, search=search)
    clock.advance_s(30)
    assert await execute(storage, lambda: fail(AssertionError("sent")), search=search) == b"found"


async def test_a_search_goes_on_after_the_deadline_and_repeats_wait_for_it(storage, monkeypatch):
    search = Search(b"found")
    search.may_end.clear()
    with pytest.raises(OutcomeUnknown):
        await execute(storage, lambda: fail(OutcomeUnknown("?")), timeout_s=1, search=search)
    starts = count_starts(storage, monkeypatch)
    repeats = [asyncio.create_task(execute(storage, respond, search=search)) for _ in range(3)]
    await wait_until(lambda: len(starts) == 3)
    search.may_end.set()
    assert await asyncio.gather(*repeats) == [b"found"] * 3
    assert search.starts == 1


async def test_nothing_is_searched_for_before_the_request_is_sent(storage):
    search = Search()
    with pytest.raises(ConnectError):
        await execute(storage, lambda: fail(ConnectError("not sent")), search=search, resource_id="o1")
    assert await execute(storage, respond, search=search, resource_id="o1", request_id="r2") == b"response"
    assert search.starts == 0


async def test_a_search_ends_after_a_while(storage, monkeypatch):
    monkeypatch.setattr(executor, "SEARCH_TIMEOUT_S", 0.05)
    search = Search()
    search.may_end.clear()
    with pytest.raises(OutcomeUnknown):
        await execute(storage, lambda: fail(OutcomeUnknown("?")), search=search)
    with pytest.raises(OutcomeUnknown):
        await execute(storage, respond, search=search)
    assert search.starts == 2


async def test_the_number_of_searches_is_limited(storage, monkeypatch):
    monkeypatch.setattr(executor, "MAX_SEARCHES", 1)
    search = Search(b"found")
    search.may_end.clear()
    unknown = {"search": search, "timeout_s": 1}
    for request_id in ("r1", "r2"):
        with pytest.raises(OutcomeUnknown):
            await execute(storage, lambda: fail(OutcomeUnknown("?")), request_id=request_id, **unknown)
    assert search.starts == 1
    search.may_end.set()


async def test_closing_ends_searches(storage):
    search = Search()
    search.may_end.clear()
    calling = asyncio.create_task(execute(storage, lambda: fail(OutcomeUnknown("?")), search=search))
    await wait_until(lambda: search.starts == 1)
    await storage.idempotent_executor.close()
    with pytest.raises(OutcomeUnknown):
        await calling


async def test_a_call_that_an_operator_declared_not_executed_is_not_sent_again(storage):
    search = Search(None)
    with pytest.raises(OutcomeUnknown):
        await execute(storage, lambda: fail(OutcomeUnknown("?")), search=search, resource_id="o1")
    assert await storage.idempotency_keys.decide("Sync", "o1", None)
    with pytest.raises(NotExecuted):
        await execute(storage, respond, search=search, resource_id="o1")
