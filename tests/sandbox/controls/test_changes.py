"""Live updates: a request waits until something changes."""

import asyncio
import time

import httpx
import pytest


async def _wait(client, seen, timeout_ms=5_000):
    response = await client.http.get("/admin/changes", params={"seen": seen, "timeout_ms": timeout_ms})
    assert response.status_code == 200, response.text
    return response.json()["revision"]


async def _now(client):
    return await _wait(client, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda client: client.current_time(),
        lambda client: client.create_order(),
        lambda client: client.fault("*", status=503),
        lambda client: client.http.delete("/admin/calls"),
        lambda client: client.http.post("/admin/reset"),
    ],
    ids=["call", "order", "fault", "cleared log", "reset"],
)
async def test_change_ends_the_wait(client, change):
    seen = await _now(client)
    waiting = asyncio.create_task(_wait(client, seen))
    await change(client)
    assert await waiting > seen


async def test_push_ends_the_wait(client, receiver):
    receiver.hold = asyncio.Event()
    await client.create_messages("T")
    await receiver.messages(1)
    seen = await _now(client)
    waiting = asyncio.create_task(_wait(client, seen))
    receiver.hold.set()
    assert await waiting > seen
    assert [message["state"] for message in await client.messages()] == ["pushed"]


async def test_call_in_flight_and_its_end_are_changes(client):
    await client.fault("currentTime", hang=True)
    seen = await _now(client)
    call = asyncio.create_task(client.current_time())
    seen = await _wait(client, seen)
    call.cancel()
    assert await _wait(client, seen) > seen


async def test_wait_ends_after_its_timeout(client):
    seen = await _now(client)
    started = time.monotonic()
    assert await _wait(client, seen, timeout_ms=50) == seen
    assert time.monotonic() - started >= 0.05


async def test_reads_are_no_changes(client):
    seen = await _now(client)
    await client.state()
    await client.http.get("/")
    assert await _wait(client, seen, timeout_ms=1) == seen


async def test_revision_is_exact_in_javascript(client):
    assert 0 < await _now(client) < 2**53


@pytest.mark.parametrize("query", [{"seen": "x"}, {"timeout_ms": "-1"}, {"seen": "9" * 40}, {"seen": "²"}])
async def test_invalid_numbers(client, query):
    assert (await client.http.get("/admin/changes", params=query)).status_code == 400


async def test_number_of_waiting_requests_is_bounded(client):
    seen = await _now(client)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=client.http.base_url, limits=limits, timeout=20) as many:
        query = {"seen": seen, "timeout_ms": 20_000}
        waiting = [asyncio.create_task(many.get("/admin/changes", params=query)) for _ in range(101)]
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().status_code for task in done] == [503]
        # Requests whose client has gone do not wait any longer.
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    async with asyncio.timeout(10):
        while (await client.http.get("/admin/changes", params=query | {"timeout_ms": 0})).status_code == 503:  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(0.01)
