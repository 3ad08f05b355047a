"""Work in tracked tasks is finished or undone, whatever happens to the caller."""

import asyncio

import pytest
import structlog

from services.errors import StoreUnavailable
from services.tracked_tasks import TrackedTasks


class Work:
    """Work that waits until `may_end` is set."""

    def __init__(self, error=None):
        self.may_end = asyncio.Event()
        self.ended = []
        self._error = error

    async def __call__(self):
        await self.may_end.wait()
        if self._error:
            raise self._error
        self.ended.append("work")
        return 7

    async def undo(self, result):
        await asyncio.sleep(0)
        self.ended.append(f"undo {result}")


async def cancel(task, times=1):
    for _ in range(times):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_the_caller_gets_the_result_or_the_error():
    tasks, work = TrackedTasks(), Work()
    work.may_end.set()
    assert await tasks.run(work()) == 7
    assert await tasks.run_or_undo(work(), work.undo) == 7
    assert work.ended == ["work", "work"]
    failing = Work(KeyError())
    failing.may_end.set()
    for run in (tasks.run(failing()), tasks.run_or_undo(failing(), failing.undo)):
        with pytest.raises(KeyError):
            await run
    assert failing.ended == []


@pytest.mark.parametrize("cancellations", [1, 2])
async def test_work_is_finished_without_its_caller(cancellations):
    tasks, work = TrackedTasks(), Work()
    await cancel(asyncio.create_task(tasks.run(work())), cancellations)
    assert len(tasks) == 1
    work.may_end.set()
    await tasks.close()
    assert work.ended == ["work"]


@pytest.mark.parametrize("cancellations", [1, 2])
async def test_work_is_undone_when_its_caller_is_cancelled(cancellations):
    tasks, work = TrackedTasks(), Work()
    await cancel(asyncio.create_task(tasks.run_or_undo(work(), work.undo)), cancellations)
    work.may_end.set()
    await tasks.close()
    assert work.ended == ["work", "undo 7"]


async def test_a_result_that_is_there_when_the_caller_is_cancelled_is_undone():
    tasks, work = TrackedTasks(), Work()
    caller = asyncio.create_task(tasks.run_or_undo(work(), work.undo))
    await asyncio.sleep(0)
    work.may_end.set()
    for _ in range(2):
        await asyncio.sleep(0)  # the work ends; its caller has not run since
    assert work.ended == ["work"]
    caller.cancel()
    await asyncio.wait([caller])
    assert caller.cancelled()
    await tasks.close()
    assert work.ended == ["work", "undo 7"]


@pytest.mark.parametrize(
    ("error", "events"), [(KeyError("bug"), ["internal_fault"]), (StoreUnavailable(""), [])]
)
@pytest.mark.parametrize("is_undone", [True, False])
async def test_a_bug_that_no_caller_gets_is_logged(error, events, is_undone):
    tasks, work = TrackedTasks(), Work(error)
    run = tasks.run_or_undo(work(), work.undo) if is_undone else tasks.run(work())
    with structlog.testing.capture_logs() as logs:
        await cancel(asyncio.create_task(run))
        work.may_end.set()
        await tasks.close()
        await asyncio.sleep(0)
    assert [line["event"] for line in logs] == events


async def test_close_cancels_what_runs_too_long():
    tasks = TrackedTasks()
    tasks.start(asyncio.Event().wait())
    async with asyncio.timeout(5):
        await tasks.close(cancel_after_s=0.01)
    assert not len(tasks)
