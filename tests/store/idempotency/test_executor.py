"""Calls with a request id are executed once, and their retries get the response."""

import asyncio

import pytest

from services.errors import (
    ConnectError,
    DeadlineExceededInFlight,
    OutcomeUnknown,
    RequestInProgress,
    UpstreamFault,
    UpstreamRefused,
)
from tests.store.factories import build_request_fields


async def execute(storage, work, *, is_idempotent=False, timeout_s=5, **fields):
    return await storage.idempotent_executor.execute(
        work, **build_request_fields(**fields), timeout_s=timeout_s, is_idempotent=is_idempotent
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
        await execute(storage, asyncio.Event().wait, timeout_s=0.02)
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
