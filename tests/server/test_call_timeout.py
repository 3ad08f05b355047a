"""The timeout of a call: which error it raises, and that it leaves the task as it was."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.errors import DeadlineExceeded, DeadlineExceededInFlight
from services.server import call_timeout
from services.server.call_timeout import CallTimeout
from tests.support.deadline_timers import record_timers

SHORT_S, LONG_S = 0.01, 60.0

Call = Callable[[CallTimeout], Awaitable[None]]


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_timeout, "GRACE_S", 0.0)


async def run(call: Call, *, deadline_s: float) -> None:
    """Run a call in this task, and check that the task is not left cancelled."""
    task = asyncio.current_task()
    assert task is not None
    try:
        with CallTimeout(task, asyncio.get_running_loop().time() + deadline_s) as timeout:
            await call(timeout)
    finally:
        assert task.cancelling() == 0


async def wait_forever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("arrival_s", "deadline_s"), [(SHORT_S, LONG_S), (LONG_S, SHORT_S)])
async def test_a_request_that_does_not_arrive_in_time(monkeypatch, arrival_s, deadline_s):
    monkeypatch.setattr(call_timeout, "ARRIVAL_TIMEOUT_S", arrival_s)

    async def call(timeout):  # noqa: ASYNC109 # the object under test
        timeout.limit_arrival()
        await wait_forever()

    with pytest.raises(DeadlineExceeded, match="did not arrive") as caught:
        await run(call, deadline_s=deadline_s)
    assert not caught.value.may_have_executed


async def test_a_handler_that_takes_too_long():
    async def call(timeout):  # noqa: ASYNC109 # the object under test
        timeout.limit_arrival()
        timeout.limit_handling()
        await wait_forever()

    with pytest.raises(DeadlineExceededInFlight):
        await run(call, deadline_s=SHORT_S)


async def test_the_time_of_the_arrival_does_not_limit_the_handler(monkeypatch):
    monkeypatch.setattr(call_timeout, "ARRIVAL_TIMEOUT_S", SHORT_S)

    async def call(timeout):  # noqa: ASYNC109 # the object under test
        timeout.limit_arrival()
        timeout.limit_handling()
        await asyncio.sleep(5 * SHORT_S)

    await run(call, deadline_s=LONG_S)


async def test_the_error_of_a_handler_is_not_replaced():
    """Such as that of one which knows that its call may have been executed."""

    async def call(timeout):  # noqa: ASYNC109 # the object under test
        timeout.limit_handling()
        try:
            await wait_forever()
        except asyncio.CancelledError:
            raise ConnectionError from None

    with pytest.raises(ConnectionError):
        await run(call, deadline_s=SHORT_S)


async def test_a_handler_may_end_within_the_grace_period(monkeypatch):
    monkeypatch.setattr(call_timeout, "GRACE_S", LONG_S)

    async def call(timeout):  # noqa: ASYNC109 # the object under test
        timeout.limit_handling()
        await asyncio.sleep(2 * SHORT_S)

    await run(call, deadline_s=SHORT_S)


async def test_no_timer_is_left(monkeypatch):
    timers = record_timers(monkeypatch, call_timeout)

    async def call(timeout):  # noqa: ASYNC109 # the object under test
        timeout.limit_arrival()

    await run(call, deadline_s=LONG_S)
    assert [timer._timer for timer in timers] == [None]


async def test_a_call_in_a_task_that_is_being_cancelled_gets_its_error():
    async def call(timeout):  # noqa: ASYNC109 # the object under test
        timeout.limit_handling()
        await wait_forever()

    got_error = asyncio.Event()

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await wait_forever()
        except asyncio.CancelledError:
            deadline = asyncio.get_running_loop().time() + SHORT_S
            with pytest.raises(DeadlineExceededInFlight), CallTimeout(task, deadline) as timeout:
                await call(timeout)
            got_error.set()
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert (got_error.is_set(), task.cancelled()) == (True, True)


async def test_a_call_that_is_also_cancelled_stays_cancelled():
    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        with CallTimeout(task, asyncio.get_running_loop().time() + SHORT_S) as timeout:
            timeout.limit_handling()
            try:
                await wait_forever()
            finally:
                task.cancel()

    task = asyncio.create_task(work())
    await asyncio.wait([task])
    assert task.cancelled()
