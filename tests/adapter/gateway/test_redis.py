"""What replicas share through Redis, and how each goes on without it (`make test-redis`)."""

import asyncio
import random
import time
from math import inf

import pytest
import structlog
from redis.asyncio import Redis

from services.adapter.gateway import APP, RedisClient, SharedTokenFetcher
from services.adapter.gateway.auth.tokens import TokenResponse
from services.adapter.gateway.rate_limit.adaptive_rate import RatePolicy
from services.adapter.gateway.rate_limit.local import LocalRateLimiter
from services.adapter.gateway.rate_limit.redis import RedisRateLimiter
from services.errors import CredentialRejected
from tests.support.redis_server import redis_server

pytestmark = [pytest.mark.redis, pytest.mark.asyncio(loop_factories=["asyncio"])]

API = "com.example:redis-1"
POLICY = RatePolicy()


@pytest.fixture(scope="module")
def server():
    with redis_server() as running:
        yield running


@pytest.fixture
async def redis(server):
    client = Redis.from_url(server.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def link(server, redis):
    link = RedisClient(server.url, "1000000")
    yield link
    await link.close()


@pytest.fixture
async def other_link(server):
    link = RedisClient(server.url, "1000000")
    yield link
    await link.close()


@pytest.fixture
async def nowhere(tmp_path):
    link = RedisClient(f"unix://{tmp_path}/nobody.sock", "1000000")
    yield link
    await link.close()


def limits(link, **ceilings):
    named = {APP if name == "app" else API: rate for name, rate in ceilings.items()}
    alone = LocalRateLimiter(POLICY, named, asyncio.get_running_loop().time)
    return RedisRateLimiter(link, POLICY, named, alone)


@pytest.mark.parametrize("ceiling", [None, 20.0, 0.5])
@pytest.mark.parametrize("seed", range(5))
async def test_the_script_does_what_one_process_does(ceiling, seed, link):
    """The same asked of both, at the same times: the same waits and rates."""
    chance = random.Random(seed)
    now = 1000.0
    ceilings = {} if ceiling is None else {APP: ceiling}
    local = LocalRateLimiter(POLICY, ceilings, lambda: now)
    shared = RedisRateLimiter(link, POLICY, ceilings, local)
    for _ in range(300):
        now += chance.choice([0, 0.01, 0.3, 2, 40 if chance.random() < 0.05 else 0]) * chance.uniform(
            0.5, 1.5
        )
        what = chance.choices(["take", "give_back", "refused"], [8, 1, 2])[0]
        if what == "take":
            left_s = chance.choice([0.001, 0.5, 5])
            expected = await local.take(API, left_s)
            wait_s, *rates = await shared._ask("take", (APP, API), left_s, now)
            assert wait_s == (-1 if expected is None else pytest.approx(expected, abs=1e-4))
            for scope, rate in zip((APP, API), rates, strict=False):
                assert (rate or inf) == pytest.approx(local.rate(scope).current(), rel=1e-4)
        elif what == "give_back":
            local.give_back(API)
            await shared._ask("give_back", (APP, API), now=now)
        else:
            await local.refused(API, APP)
            await shared._ask("refused", (APP,), now=now)


async def test_replicas_share_a_rate(link, other_link):
    one, other = limits(link, app=10.0), limits(other_link, app=10.0)
    waits = [await each.take(API, 60) for _ in range(10) for each in (one, other)]
    assert waits[-1] == pytest.approx(1.8, abs=0.2)
    assert await one.take(API, 0.5) is None


async def test_replicas_share_a_refusal(link, other_link):
    one, other = limits(link), limits(other_link)
    for _ in range(20):
        assert await one.take(API, 60) == 0
    await one.refused(API, APP)
    waits = [await other.take(API, 60) for _ in range(30)]
    assert waits[-1] > 1


async def test_turns_are_given_back(link, other_link):
    one, other = limits(link, app=10.0), limits(other_link, app=10.0)
    for _ in range(50):
        await one.take(API, 60)
    for _ in range(50):
        one.give_back(API)
    await one.close()
    assert await other.take(API, 60) == pytest.approx(0, abs=0.05)


async def test_what_is_kept_expires(link, redis):
    found = limits(link, app=10.0)
    await found.take(API, 60)
    keys = await redis.keys("*")
    assert len(keys) == 2
    for key in keys:
        assert 0 < await redis.pttl(key) <= (POLICY.calm_s + 1) * 1000


async def test_without_redis_a_replica_goes_on_alone(nowhere):
    found = limits(nowhere, app=10.0)
    with structlog.testing.capture_logs() as logs:
        started = time.monotonic()
        waits = [await found.take(API, 60) for _ in range(12)]
        await found.refused(API, APP)
        found.give_back(API)
        await found.close()
    assert waits[-1] == pytest.approx(1.0, abs=0.2)
    assert time.monotonic() - started < 2, "only the first waits for it"
    assert [line["event"] for line in logs] == ["redis_failed"]


async def test_a_silent_redis_costs_one_short_wait(raw, server):
    async def silent(reader, _writer):
        await reader.read()

    link = RedisClient(f"redis://{await raw(silent)}", "1000000")
    try:
        started = time.monotonic()
        for _ in range(10):
            assert await limits(link).take(API, 60) == 0
        assert time.monotonic() - started < 1
    finally:
        await link.close()


async def test_cancelled_questions_leave_the_link_in_order(link):
    found = limits(link)
    for _ in range(20):
        tasks = [asyncio.create_task(found.take(API, 60)) for _ in range(50)]
        await asyncio.sleep(random.random() * 0.003)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    answers = await asyncio.gather(*(link.ask(lambda redis: redis.echo("ours")) for _ in range(100)))
    assert set(answers) == {b"ours"}


class Account:
    """1688's side: counts the grants of one account."""

    def __init__(self, *, rotate: bool = False, life_s: float = 3600) -> None:
        self.refresh_token = "first"
        self.asked: list[str] = []
        self._rotate = rotate
        self._life_s = life_s

    async def fetch(self, refresh_token: str, _deadline: float) -> TokenResponse:
        self.asked.append(refresh_token)
        await asyncio.sleep(0.05)
        if refresh_token != self.refresh_token:
            raise CredentialRejected("x")
        if self._rotate:
            self.refresh_token = f"rotated-{len(self.asked)}"
        return TokenResponse(
            access_token=f"access-{len(self.asked)}",
            life_s=self._life_s,
            refresh_token=self.refresh_token if self._rotate else None,
            refresh_until=time.time() + 1e6,
        )


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


@pytest.mark.parametrize("rotate", [False, True])
async def test_one_renewal_for_all_replicas(rotate, link, other_link):
    account = Account(rotate=rotate)
    replicas = [SharedTokenFetcher(each, account.fetch) for each in (link, other_link) * 5]
    grants = await asyncio.gather(*(replica("first", soon()) for replica in replicas))
    assert {grant.access_token for grant in grants} == {"access-1"}
    assert {grant.refresh_token for grant in grants} == {"rotated-1" if rotate else "first"}

    grants = await asyncio.gather(*(replica("first", soon()) for replica in replicas))
    assert {grant.access_token for grant in grants} == {"access-2"}, "who comes back wants another"
    assert account.asked == (["first", "rotated-1"] if rotate else ["first", "first"])


async def test_a_replica_that_starts_later_takes_what_is_there(link, other_link):
    account = Account(rotate=True)
    await SharedTokenFetcher(link, account.fetch)("first", soon())
    for given in ("first", "rotated-1"):
        grant = await SharedTokenFetcher(other_link, account.fetch)(given, soon())
        assert (grant.access_token, grant.refresh_token) == ("access-1", "rotated-1")
        assert 3500 < grant.life_s <= 3600
        assert 0 <= grant.age_s < 10
    assert len(account.asked) == 1


async def test_another_refresh_token_starts_anew(link):
    """An operator gave a new one: what the old one led to is of no use."""
    await SharedTokenFetcher(link, Account().fetch)("first", soon())
    renewed = Account()
    renewed.refresh_token = "given-later"
    await SharedTokenFetcher(link, renewed.fetch)("given-later", soon())
    assert renewed.asked == ["given-later"]


async def test_an_expired_token_is_not_taken(link, other_link):
    account = Account(life_s=0.01)
    await SharedTokenFetcher(link, account.fetch)("first", soon())
    await asyncio.sleep(0.02)
    await SharedTokenFetcher(other_link, account.fetch)("first", soon())
    assert len(account.asked) == 2


async def test_a_failed_renewal_is_everybodys_own_and_leaves_no_lock(link, other_link, redis):
    account = Account()
    account.refresh_token = "another"
    outcomes = await asyncio.gather(
        *(SharedTokenFetcher(each, account.fetch)("first", soon()) for each in (link, other_link)),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {CredentialRejected}
    assert await redis.keys("*") == []


async def test_a_record_that_makes_no_sense_is_none(link, redis):
    for text in ("{", "[]", '{"lineage": []}', '{"version": 2, "lineage": []}'):
        await redis.set(link.key("token"), text)
        assert (await SharedTokenFetcher(link, Account().fetch)("first", soon())).access_token == "access-1"


async def test_without_redis_a_replica_renews_alone(nowhere):
    account = Account()
    grant = await SharedTokenFetcher(nowhere, account.fetch)("first", soon())
    assert grant.access_token == "access-1"


async def test_the_record_ends_with_the_refresh_token(link, redis):
    await SharedTokenFetcher(link, Account().fetch)("first", soon())
    assert await redis.ttl(link.key("token")) == pytest.approx(1e6, abs=10)
