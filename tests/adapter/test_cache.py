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


class World:
    """A cache on a clock that stands, and 1688 behind it."""

    def __init__(self, **policy: float) -> None:
        self.now = 1000.0
        self.asked: list[float] = []
        self.failure: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()
        rules = CachePolicy(ttl_s={RPC: TTL_S, "SearchByKeyword": 0}, **policy)  # type: ignore[arg-type] # as given
        self.cache = Cache(rules, lambda: self.now)

    async def ask(self, deadline: float) -> bytes:
        self.asked.append(deadline - self.now)
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        return b"answer %d" % len(self.asked)

    async def get(
        self, request: object = ROOT, *, dialect: str = "national-site", within_s: float = 60, **asked: str
    ) -> tuple[bytes, str]:
        told = call_metadata.bind([(key.replace("_", "-"), value) for key, value in asked.items()])
        response = await self.cache.answer(RPC, dialect, request, self.ask, self.now + within_s)  # type: ignore[arg-type] # a message
        return response, told[HEADER]


@pytest.fixture
async def world():
    world = World()
    yield world
    await world.cache.close()


async def test_an_answer_is_kept_as_long_as_it_is_good(world):
    assert await world.get() == (b"answer 1", "miss")
    assert await world.get() == (b"answer 1", "hit")
    world.now += TTL_S
    assert await world.get() == (b"answer 2", "miss")


async def test_only_the_same_question_has_the_same_answer(world):
    await world.get()
    assert (await world.get(OTHER))[1] == "miss"
    assert (await world.get(dialect="open-platform"))[1] == "miss"
    assert (await world.get())[1] == "hit"


async def test_what_is_kept_is_said_by_its_time(world):
    assert world.cache.keeps(RPC)
    assert not world.cache.keeps("SearchByKeyword")
    assert not world.cache.keeps("GetProductDetail")


async def test_no_cache_asks_1688_and_its_answer_is_kept(world):
    await world.get()
    assert await world.get(cache_control="max-age=0, No-Cache") == (b"answer 2", "miss")
    assert await world.get() == (b"answer 2", "hit")


@pytest.mark.parametrize("failure", [ConnectError("x"), UpstreamRate("x")])
async def test_an_old_answer_stands_in_for_a_while(failure, world):
    await world.get()
    world.now += TTL_S
    world.failure = failure
    assert await world.get() == (b"answer 1", "stale")
    world.now += TTL_S - 1
    assert await world.get() == (b"answer 1", "stale")
    with pytest.raises(type(failure)):
        await world.get(cache_control="no-cache")
    world.now += 1
    with pytest.raises(type(failure)):
        await world.get()


async def test_it_stands_in_no_longer_than_is_set():
    world = World(stale_s=10)
    await world.get()
    world.now += TTL_S + 9
    world.failure = ConnectError("x")
    assert (await world.get())[1] == "stale"
    world.now += 1
    with pytest.raises(ConnectError):
        await world.get()


@pytest.mark.parametrize("failure", [UpstreamRefused("UPSTREAM_ARGUMENT", "x"), UpstreamQuota("x")])
async def test_a_refusal_is_news(failure, world):
    await world.get()
    world.now += TTL_S
    world.failure = failure
    with pytest.raises(type(failure)):
        await world.get()


async def test_a_failure_is_not_kept(world):
    world.failure = ConnectError("x")
    with pytest.raises(ConnectError):
        await world.get()
    world.failure = None
    assert (await world.get())[1] == "miss"


async def test_many_ask_once(world):
    world.go_on.clear()
    callers = [asyncio.create_task(world.get()) for _ in range(50)]
    await asyncio.sleep(0)
    world.go_on.set()
    assert {await caller for caller in callers} == {(b"answer 1", "miss")}
    assert len(world.asked) == 1


async def test_many_are_told_of_one_failure(world):
    world.failure = ConnectError("x")
    outcomes = await asyncio.gather(*(world.get() for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ConnectError}
    assert len(world.asked) == 1


async def test_a_caller_that_leaves_does_not_take_the_others_along(world):
    world.go_on.clear()
    first, second = asyncio.create_task(world.get()), asyncio.create_task(world.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    world.go_on.set()
    assert await second == (b"answer 1", "miss")
    assert first.cancelled()


async def test_the_last_one_that_leaves_takes_the_question_along(world):
    world.go_on.clear()
    before = asyncio.all_tasks()
    callers = [asyncio.create_task(world.get()) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    while asyncio.all_tasks() - before:  # noqa: ASYNC110 # a task of the cache's own
        await asyncio.sleep(0)
    world.go_on.set()
    assert await world.get() == (b"answer 2", "miss"), "who comes later asks anew"


async def test_each_caller_has_its_own_deadline(world):
    world.go_on.clear()
    patient = asyncio.create_task(world.get())
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await world.get(within_s=0.01)
    world.go_on.set()
    assert await patient == (b"answer 1", "miss")
    assert world.asked == [10.0], "for nobody's deadline in particular"


@pytest.mark.parametrize("bound", [{"entries": 2}, {"total_bytes": 25}])
async def test_the_least_recently_used_is_forgotten(bound):
    world = World(**bound)
    requests = [product.GetCategoryRequest(category_id=number) for number in range(1, 4)]
    for request in requests[:2]:
        await world.get(request)
    await world.get(requests[0])
    await world.get(requests[2])
    assert [(await world.get(request))[1] for request in (requests[0], requests[2])] == ["hit", "hit"]
    assert (await world.get(requests[1]))[1] == "miss"


async def test_an_answer_too_large_to_keep_is_answered(world):
    world = World(total_bytes=3)
    assert await world.get() == (b"answer 1", "miss")
    assert await world.get() == (b"answer 2", "miss")
