"""Cached responses: their key, their lifetime, joined calls, failures of 1688, cancelled callers."""

import asyncio

import pytest
from nationalsite.product import v1 as product

from services import call_metadata
from services.adapter.cache import METADATA_KEY, Cache, CachePolicy
from services.caller import Caller, set_caller
from services.errors import ConnectError, DeadlineExceeded, UpstreamQuota, UpstreamRate, UpstreamRefused

REQUEST = product.GetCategoryRequest()
OTHER_REQUEST = product.GetCategoryRequest(category_id=7)
RPC = "GetCategory"
TTL_S = 100.0


class CacheHarness:
    """A cache with a fake clock, and a fake 1688."""

    def __init__(self, **policy: float) -> None:
        self.now = 1000.0
        self.fetches: list[float] = []
        self.failure: Exception | None = None
        self.may_continue = asyncio.Event()
        self.may_continue.set()
        rules = CachePolicy(ttl_s={RPC: TTL_S, "SearchByKeyword": 0}, **policy)
        self.cache = Cache(rules, lambda: self.now)

    async def fetch(self, deadline: float) -> bytes:
        self.fetches.append(deadline - self.now)
        await self.may_continue.wait()
        if self.failure is not None:
            raise self.failure
        return b"response %d" % len(self.fetches)

    async def get(
        self,
        request: object = REQUEST,
        *,
        dialect: str = "national-site",
        timeout_s: float = 60,
        **metadata: str,
    ) -> tuple[bytes, str]:
        response_metadata = call_metadata.bind(
            [(key.replace("_", "-"), value) for key, value in metadata.items()]
        )
        response = await self.cache.get_or_fetch(RPC, dialect, request, self.fetch, self.now + timeout_s)
        return response, response_metadata[METADATA_KEY]


@pytest.fixture
async def harness():
    harness = CacheHarness()
    yield harness
    await harness.cache.close()


async def test_a_response_is_cached_for_its_ttl(harness):
    assert await harness.get() == (b"response 1", "miss")
    assert await harness.get() == (b"response 1", "hit")
    harness.now += TTL_S
    assert await harness.get() == (b"response 2", "miss")


async def test_the_key_has_rpc_dialect_and_request(harness):
    await harness.get()
    assert (await harness.get(OTHER_REQUEST))[1] == "miss"
    assert (await harness.get(dialect="open-platform"))[1] == "miss"
    assert (await harness.get())[1] == "hit"


async def test_an_rpc_with_a_ttl_is_cacheable(harness):
    assert harness.cache.is_cacheable(RPC)
    assert not harness.cache.is_cacheable("SearchByKeyword")
    assert not harness.cache.is_cacheable("GetProductDetail")


async def test_no_cache_fetches_and_stores_the_response(harness):
    await harness.get()
    assert await harness.get(cache_control="max-age=0, No-Cache") == (b"response 2", "miss")
    assert await harness.get() == (b"response 2", "hit")


@pytest.mark.parametrize("failure", [ConnectError("x"), UpstreamRate("x")])
async def test_a_stale_response_is_served_if_1688_fails(failure, harness):
    await harness.get()
    harness.now += TTL_S
    harness.failure = failure
    assert await harness.get() == (b"response 1", "stale")
    harness.now += TTL_S - 1
    assert await harness.get() == (b"response 1", "stale")
    with pytest.raises(type(failure)):
        await harness.get(cache_control="no-cache")
    harness.now += 1
    with pytest.raises(type(failure)):
        await harness.get()


async def test_a_stale_response_is_served_for_a_limited_time():
    harness = CacheHarness(stale_if_error_s=10)
    await harness.get()
    harness.now += TTL_S + 9
    harness.failure = ConnectError("x")
    assert (await harness.get())[1] == "stale"
    harness.now += 1
    with pytest.raises(ConnectError):
        await harness.get()


@pytest.mark.parametrize("failure", [UpstreamRefused("UPSTREAM_ARGUMENT", "x"), UpstreamQuota("x")])
async def test_a_permanent_error_is_not_hidden_by_a_stale_response(failure, harness):
    await harness.get()
    harness.now += TTL_S
    harness.failure = failure
    with pytest.raises(type(failure)):
        await harness.get()


async def test_a_failure_is_not_cached(harness):
    harness.failure = ConnectError("x")
    with pytest.raises(ConnectError):
        await harness.get()
    harness.failure = None
    assert (await harness.get())[1] == "miss"


async def test_equal_calls_are_joined(harness):
    harness.may_continue.clear()
    callers = [asyncio.create_task(harness.get()) for _ in range(50)]
    await asyncio.sleep(0)
    harness.may_continue.set()
    assert {await caller for caller in callers} == {(b"response 1", "miss")}
    assert len(harness.fetches) == 1


async def test_a_call_does_not_join_that_of_another_caller(harness):
    """It would wait behind the backlog of the other one, and be rejected because of it."""

    async def get(caller: str) -> tuple[bytes, str]:
        set_caller(Caller(caller))
        return await harness.get()

    harness.may_continue.clear()
    calls = [asyncio.create_task(get(caller)) for caller in ("one", "other", "one")]
    await asyncio.sleep(0)
    calls[0].cancel()
    harness.may_continue.set()
    await asyncio.wait(calls)
    assert len(harness.fetches) == 2


async def test_joined_calls_share_a_failure(harness):
    harness.failure = ConnectError("x")
    outcomes = await asyncio.gather(*(harness.get() for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ConnectError}
    assert len(harness.fetches) == 1


async def test_a_cancelled_caller_does_not_cancel_the_others(harness):
    harness.may_continue.clear()
    first, second = asyncio.create_task(harness.get()), asyncio.create_task(harness.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    harness.may_continue.set()
    assert await second == (b"response 1", "miss")
    assert first.cancelled()


async def test_the_last_cancelled_caller_cancels_the_fetch(harness):
    harness.may_continue.clear()
    before = asyncio.all_tasks()
    callers = [asyncio.create_task(harness.get()) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    while asyncio.all_tasks() - before:  # noqa: ASYNC110 # a task of the cache's own
        await asyncio.sleep(0)
    harness.may_continue.set()
    assert await harness.get() == (b"response 2", "miss"), "a later caller fetches again"


async def test_each_caller_has_its_own_deadline(harness):
    harness.may_continue.clear()
    first = asyncio.create_task(harness.get())
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await harness.get(timeout_s=0.01)
    harness.may_continue.set()
    assert await first == (b"response 1", "miss")
    assert harness.fetches == [10.0], "the fetch has its own timeout"


@pytest.mark.parametrize("bound", [{"max_entries": 2}, {"max_bytes": 25}])
async def test_the_least_recently_used_is_evicted(bound):
    harness = CacheHarness(**bound)
    requests = [product.GetCategoryRequest(category_id=number) for number in range(1, 4)]
    for request in requests[:2]:
        await harness.get(request)
    await harness.get(requests[0])
    await harness.get(requests[2])
    assert [(await harness.get(request))[1] for request in (requests[0], requests[2])] == ["hit", "hit"]
    assert (await harness.get(requests[1]))[1] == "miss"


async def test_a_response_too_large_for_the_cache_is_returned(harness):
    harness = CacheHarness(max_bytes=3)
    assert await harness.get() == (b"response 1", "miss")
    assert await harness.get() == (b"response 2", "miss")
