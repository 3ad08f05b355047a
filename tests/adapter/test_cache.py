"""Answers that are kept: for whom, how long, and what happens when 1688 or a caller is gone."""

import asyncio

import pytest
from nationalsite.product import v1 as product

from services import call_metadata
from services.adapter.cache import HEADER, Cache, CachePolicy
from services.errors import ConnectError, DeadlineExceeded, UpstreamQuota, UpstreamRate, UpstreamRefused

ROOT = product.GetCategoryRequest()
OTHER = product.GetCategoryRequest(category_id=7)
RPC = "GetCategory"
TTL_S = 100.0


class CacheHarness:
    """A cache on a clock that stands, and 1688 behind it."""

    def __init__(self, **policy: float) -> None:
        self.now = 1000.0
        self.asked: list[float] = []
        self.failure: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()
        rules = CachePolicy(ttl_s={RPC: TTL_S, "SearchByKeyword": 0}, **policy)
        self.cache = Cache(rules, lambda: self.now)

    async def fetch(self, deadline: float) -> bytes:
        self.asked.append(deadline - self.now)
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        return b"answer %d" % len(self.asked)

    async def get(
        self, request: object = ROOT, *, dialect: str = "national-site", timeout_s: float = 60, **asked: str
    ) -> tuple[bytes, str]:
        told = call_metadata.bind([(key.replace("_", "-"), value) for key, value in asked.items()])
        response = await self.cache.get_or_fetch(RPC, dialect, request, self.fetch, self.now + timeout_s)
        return response, told[HEADER]


@pytest.fixture
async def harness():
    harness = CacheHarness()
    yield harness
    await harness.cache.close()


async def test_an_answer_is_kept_as_long_as_it_is_good(harness):
    assert await harness.get() == (b"answer 1", "miss")
    assert await harness.get() == (b"answer 1", "hit")
    harness.now += TTL_S
    assert await harness.get() == (b"answer 2", "miss")


async def test_only_the_same_question_has_the_same_answer(harness):
    await harness.get()
    assert (await harness.get(OTHER))[1] == "miss"
    assert (await harness.get(dialect="open-platform"))[1] == "miss"
    assert (await harness.get())[1] == "hit"


async def test_what_is_kept_is_said_by_its_time(harness):
    assert harness.cache.is_cacheable(RPC)
    assert not harness.cache.is_cacheable("SearchByKeyword")
    assert not harness.cache.is_cacheable("GetProductDetail")


async def test_no_cache_asks_1688_and_its_answer_is_kept(harness):
    await harness.get()
    assert await harness.get(cache_control="max-age=0, No-Cache") == (b"answer 2", "miss")
    assert await harness.get() == (b"answer 2", "hit")


@pytest.mark.parametrize("failure", [ConnectError("x"), UpstreamRate("x")])
async def test_an_old_answer_stands_in_for_a_while(failure, harness):
    await harness.get()
    harness.now += TTL_S
    harness.failure = failure
    assert await harness.get() == (b"answer 1", "stale")
    harness.now += TTL_S - 1
    assert await harness.get() == (b"answer 1", "stale")
    with pytest.raises(type(failure)):
        await harness.get(cache_control="no-cache")
    harness.now += 1
    with pytest.raises(type(failure)):
        await harness.get()


async def test_it_stands_in_no_longer_than_is_set():
    harness = CacheHarness(stale_if_error_s=10)
    await harness.get()
    harness.now += TTL_S + 9
    harness.failure = ConnectError("x")
    assert (await harness.get())[1] == "stale"
    harness.now += 1
    with pytest.raises(ConnectError):
        await harness.get()


@pytest.mark.parametrize("failure", [UpstreamRefused("UPSTREAM_ARGUMENT", "x"), UpstreamQuota("x")])
async def test_a_refusal_is_news(failure, harness):
    await harness.get()
    harness.now += TTL_S
    harness.failure = failure
    with pytest.raises(type(failure)):
        await harness.get()


async def test_a_failure_is_not_kept(harness):
    harness.failure = ConnectError("x")
    with pytest.raises(ConnectError):
        await harness.get()
    harness.failure = None
    assert (await harness.get())[1] == "miss"


async def test_many_ask_once(harness):
    harness.go_on.clear()
    callers = [asyncio.create_task(harness.get()) for _ in range(50)]
    await asyncio.sleep(0)
    harness.go_on.set()
    assert {await caller for caller in callers} == {(b"answer 1", "miss")}
    assert len(harness.asked) == 1


async def test_many_are_told_of_one_failure(harness):
    harness.failure = ConnectError("x")
    outcomes = await asyncio.gather(*(harness.get() for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ConnectError}
    assert len(harness.asked) == 1


async def test_a_caller_that_leaves_does_not_take_the_others_along(harness):
    harness.go_on.clear()
    first, second = asyncio.create_task(harness.get()), asyncio.create_task(harness.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    harness.go_on.set()
    assert await second == (b"answer 1", "miss")
    assert first.cancelled()


async def test_the_last_one_that_leaves_takes_the_question_along(harness):
    harness.go_on.clear()
    before = asyncio.all_tasks()
    callers = [asyncio.create_task(harness.get()) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    while asyncio.all_tasks() - before:  # noqa: ASYNC110 # a task of the cache's own
        await asyncio.sleep(0)
    harness.go_on.set()
    assert await harness.get() == (b"answer 2", "miss"), "who comes later asks anew"


async def test_each_caller_has_its_own_deadline(harness):
    harness.go_on.clear()
    patient = asyncio.create_task(harness.get())
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await harness.get(timeout_s=0.01)
    harness.go_on.set()
    assert await patient == (b"answer 1", "miss")
    assert harness.asked == [10.0], "for nobody's deadline in particular"


@pytest.mark.parametrize("bound", [{"max_entries": 2}, {"max_bytes": 25}])
async def test_the_least_recently_used_is_forgotten(bound):
    harness = CacheHarness(**bound)
    requests = [product.GetCategoryRequest(category_id=number) for number in range(1, 4)]
    for request in requests[:2]:
        await harness.get(request)
    await harness.get(requests[0])
    await harness.get(requests[2])
    assert [(await harness.get(request))[1] for request in (requests[0], requests[2])] == ["hit", "hit"]
    assert (await harness.get(requests[1]))[1] == "miss"


async def test_an_answer_too_large_to_keep_is_answered(harness):
    harness = CacheHarness(max_bytes=3)
    assert await harness.get() == (b"answer 1", "miss")
    assert await harness.get() == (b"answer 2", "miss")
