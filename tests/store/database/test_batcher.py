"""Batches are filled in turn by caller; a full queue rejects items of the caller with the most."""

import asyncio

import pytest

from services.caller import Caller, current_queue_owner, set_caller
from services.errors import StoreUnavailable
from services.store.database import batcher
from services.store.database.batcher import Batcher
from tests.support.event_loop import run_turns


class BatcherHarness:
    def __init__(self, *, batch_size: int = 4, max_pending: int = 100, timeout_s: float = 60) -> None:
        self.may_continue = asyncio.Event()
        self.batches: list[list[str]] = []
        self.queue_owners: set[object] = set()
        self.batcher: Batcher[str, None] = Batcher(
            self._process, batch_size=batch_size, max_pending=max_pending, timeout_s=timeout_s
        )

    async def _process(self, items):
        self.batches.append(list(items))
        self.queue_owners.add(current_queue_owner())
        await self.may_continue.wait()
        return [None] * len(items)

    def submit(self, caller: str) -> "asyncio.Task[None]":
        async def call() -> None:
            set_caller(Caller(caller))
            await self.batcher.submit(caller)

        return asyncio.create_task(call())


async def call_later(harness: BatcherHarness, turns: int) -> None:
    await run_turns(turns)
    await harness.submit("caller")


async def test_the_item_of_a_modest_caller_is_in_the_next_batch():
    harness = BatcherHarness()
    calls = [harness.submit(caller) for _ in range(50) for caller in ("greedy", "other")]
    await run_turns()
    calls.append(harness.submit("modest"))
    await run_turns()
    harness.may_continue.set()
    await asyncio.gather(*calls)
    first, second, *_ = harness.batches
    assert "modest" not in first
    assert second[:3] == ["greedy", "other", "modest"]


async def test_a_full_queue_rejects_an_item_of_the_caller_with_the_most():
    harness = BatcherHarness(batch_size=1, max_pending=2)
    calls = [harness.submit("greedy") for _ in range(4)]
    await run_turns()
    modest = harness.submit("modest")
    await run_turns()
    rejected = [call for call in calls if call.done()]
    assert len(rejected) == 2
    harness.may_continue.set()
    await modest
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    errors = [outcome for outcome in outcomes if outcome is not None]
    assert len(errors) == 2
    assert all(isinstance(error, StoreUnavailable) and "of this caller" in str(error) for error in errors)


async def test_the_timeout_includes_the_wait_for_the_batch_before():
    """The store hangs. An item that waits for its batch must not wait twice as long."""
    harness = BatcherHarness(batch_size=1, timeout_s=0.05)
    outcomes = await asyncio.gather(*(harness.submit("one") for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == [
        "the store cannot be used now: it responds too slowly"
    ] * 3
    assert harness.batches == [["one"]]
    harness.may_continue.set()
    await harness.batcher.close()
    assert harness.batches == [["one"]] * 3, "they are processed nevertheless"


@pytest.mark.parametrize("caller", ["one", ""])
async def test_a_batch_is_work_of_the_service(caller):
    harness = BatcherHarness()
    harness.may_continue.set()
    await harness.submit(caller)
    assert harness.queue_owners == {None}


async def test_callers_that_call_again_together_share_the_next_batch():
    """Their next calls arrive one after the other. The first must not have a batch of its own."""
    harness = BatcherHarness()
    harness.may_continue.set()
    await asyncio.gather(*(harness.submit("caller") for _ in range(4)))

    await asyncio.gather(*(call_later(harness, turns) for turns in (0, 10, 20, 30)))
    assert [len(batch) for batch in harness.batches] == [4, 4]


@pytest.mark.parametrize(("timeout_s", "first_batch"), [(60.0, 4), (0.0, 2)])
async def test_a_batch_of_several_waits_for_calls_that_keep_arriving(monkeypatch, timeout_s, first_batch):
    monkeypatch.setattr(batcher, "ARRIVAL_TIMEOUT_S", timeout_s)
    harness = BatcherHarness(batch_size=10)
    harness.may_continue.set()
    arrivals = (0, 0, batcher.IDLE_TURNS // 2, batcher.IDLE_TURNS)
    await asyncio.gather(*(call_later(harness, turns) for turns in arrivals))
    assert len(harness.batches[0]) == first_batch


async def test_a_call_does_not_wait_for_others_after_a_call_that_was_alone(monkeypatch):
    monkeypatch.setattr(batcher, "LINGER_S", 600.0)
    harness = BatcherHarness()
    harness.may_continue.set()
    async with asyncio.timeout(60):
        for _ in range(3):
            await harness.submit("caller")
    assert [len(batch) for batch in harness.batches] == [1, 1, 1]


async def test_a_batch_waits_only_briefly_for_others():
    harness = BatcherHarness()
    harness.may_continue.set()
    await asyncio.gather(*(harness.submit("caller") for _ in range(4)))
    await harness.submit("caller")
    assert [len(batch) for batch in harness.batches] == [4, 1]
