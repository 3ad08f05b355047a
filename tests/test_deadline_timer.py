"""The timer of a deadline that moves. The loop only keeps the time and its timers."""

import asyncio
import gc
import math
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from itertools import pairwise
from typing import Any

import pytest

from services.deadline_timer import DeadlineTimer


class Loop:
    """Timers of a clock that `advance` sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[asyncio.TimerHandle] = []
        self.created = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], *, context: Any) -> asyncio.TimerHandle:
        self.created += 1
        handle = asyncio.TimerHandle(when, callback, (), self, context)
        self.timers.append(handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """TimerHandle calls this."""

    def get_debug(self) -> bool:
        """TimerHandle calls this."""
        return False

    def advance(self, seconds: float) -> None:
        """Run the timers that end within this time, in order."""
        end = self.now + seconds
        while due := [timer for timer in self.active if timer.when() <= end]:
            first = min(due)
            self.timers.remove(first)
            self.now = max(self.now, first.when())
            first._run()
        self.now = end

    @property
    def active(self) -> list[asyncio.TimerHandle]:
        return [timer for timer in self.timers if not timer.cancelled()]


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def passed(loop: Loop) -> list[float]:
    """When deadlines have passed."""
    return []


@pytest.fixture
def timer(loop: Loop, passed: list[float]) -> DeadlineTimer:
    return DeadlineTimer(loop, lambda: passed.append(loop.now))


def test_a_deadline_passes_once(loop, timer, passed):
    timer.set(110)
    loop.advance(9)
    assert passed == []
    loop.advance(100)
    assert (passed, loop.active) == ([110], [])


def test_a_deadline_that_is_moved_often_takes_few_timers(loop, timer, passed):
    for _ in range(1000):
        timer.set(loop.now + 10)
        loop.advance(0.1)
    assert (passed, len(loop.active)) == ([], 1)
    assert loop.created <= 12, "one for each 10 s"
    loop.advance(100)
    assert passed == [pytest.approx(100 + 99.9 + 10)]


def test_an_earlier_deadline_is_kept(loop, timer, passed):
    timer.set(150)
    timer.set(120)
    loop.advance(100)
    assert (passed, loop.active) == ([120], [])


def test_no_deadline_passes_after_it_was_removed(loop, timer, passed):
    timer.set(110)
    timer.clear()
    loop.advance(100)
    assert (passed, loop.active) == ([], [])
    timer.set(loop.now + 10)
    loop.advance(100)
    assert passed == [210]


def test_a_closed_timer_leaves_nothing_in_the_loop(loop, timer, passed):
    timer.set(110)
    timer.close()
    assert loop.active == []
    timer.set(120)
    assert loop.active == []
    loop.advance(100)
    assert passed == []


def test_an_infinite_deadline_takes_no_timer(loop, timer, passed):
    timer.set(math.inf)
    assert loop.active == []
    timer.set(110)
    timer.set(math.inf)
    loop.advance(100)
    assert (passed, loop.active) == ([], [])


def test_the_owner_of_a_closed_timer_is_freed_without_garbage_collection(loop):
    class Connection:
        def __init__(self) -> None:
            self.timer = DeadlineTimer(loop, self.close)

        def close(self) -> None:
            raise AssertionError("is not called once the timer is closed")

    connection = Connection()
    connection.timer.set(110)
    connection.timer.close()
    loop.timers.clear()
    freed = weakref.ref(connection)
    gc.disable()
    try:
        del connection
        assert freed() is None
    finally:
        gc.enable()


def test_a_deadline_can_be_set_when_one_has_passed(loop):
    passed = []

    def on_passed() -> None:
        passed.append(loop.now)
        if len(passed) < 3:
            timer.set(loop.now + 10)

    timer = DeadlineTimer(loop, on_passed)
    timer.set(110)
    loop.advance(100)
    assert passed == [110, 120, 130]


def test_a_timer_of_the_loop_that_ends_a_little_too_early_is_not_set_again(loop, timer, passed):
    timer.set(110)
    (handle,) = loop.active
    loop.now = 109.9995
    handle._run()
    assert (passed, loop.created) == ([109.9995], 1)


def test_the_function_does_not_run_in_the_context_of_a_call(loop):
    caller: ContextVar[str] = ContextVar("caller", default="")
    caller.set("a call")
    seen = []
    DeadlineTimer(loop, lambda: seen.append(caller.get())).set(110)
    loop.advance(100)
    assert seen == [""]


async def test_deadlines_pass_in_order_in_a_real_loop():
    loop = asyncio.get_running_loop()
    passed: asyncio.Queue[float] = asyncio.Queue()
    start = loop.time()
    deadlines = [start + seconds for seconds in (0.03, 0.01, 0.02)]
    timers = [DeadlineTimer(loop, lambda each=each: passed.put_nowait(each)) for each in deadlines]
    for timer, deadline in zip(timers, deadlines, strict=True):
        timer.set(deadline + 100)
        timer.set(deadline)
    async with asyncio.timeout(10):
        ended = [await passed.get() for _ in deadlines]
    assert all(first < second for first, second in pairwise(ended))
    assert loop.time() - start >= 0.03 - 0.001
