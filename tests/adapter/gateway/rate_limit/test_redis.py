"""The rate limit that replicas share through Redis, and how each works without it (`make test-redis`)."""

import asyncio
import random
import time
from math import inf

import pytest
import structlog

from services.adapter.gateway import APP
from services.adapter.gateway.rate_limit.limiter import RatePolicy
from services.adapter.gateway.rate_limit.local import LocalRateLimiter
from services.adapter.gateway.rate_limit.redis import RedisRateLimiter
from services.adapter.gateway.redis_client import RedisClient

pytestmark = [pytest.mark.redis, pytest.mark.asyncio(loop_factories=["asyncio"])]

API = "com.example:redis-1"
POLICY = RatePolicy()


def rate_limiter(redis_client, **ceilings):
    ceilings_by_scope = {APP if name == "app" else API: rate for name, rate in ceilings.items()}
    fallback = LocalRateLimiter(POLICY, ceilings_by_scope, asyncio.get_running_loop().time)
    return RedisRateLimiter(redis_client, POLICY, ceilings_by_scope, fallback)


@pytest.mark.parametrize("ceiling", [None, 20.0, 0.5])
@pytest.mark.parametrize("seed", range(5))
async def test_the_script_computes_what_one_process_does(ceiling, seed, redis_client):
    """The same actions at the same times give the same waits and rates."""
    rng = random.Random(seed)
    now = 1000.0
    ceilings = {} if ceiling is None else {APP: ceiling}
    local = LocalRateLimiter(POLICY, ceilings, lambda: now)
    shared = RedisRateLimiter(redis_client, POLICY, ceilings, local)
    for _ in range(300):
        now += rng.choice([0, 0.01, 0.3, 2, 40 if rng.random() < 0.05 else 0]) * rng.uniform(0.5, 1.5)
        action = rng.choices(["acquire", "release", "rate_limited"], [8, 1, 2])[0]
        if action == "acquire":
            max_wait_s = rng.choice([0.001, 0.5, 5])
            expected = await local.acquire(API, max_wait_s)
            wait_s, *rates = await shared._run_script("acquire", (APP, API), max_wait_s, now)
            assert wait_s == (-1 if expected is None else pytest.approx(expected, abs=1e-4))
            for scope, rate in zip((APP, API), rates, strict=False):
                assert (rate or inf) == pytest.approx(local.rate(scope).current(), rel=1e-4)
        elif action == "release":
            local.release(API)
            await shared._run_script("release", (APP, API), now=now)
        else:
            await local.on_rate_limited(API, APP)
            await shared._run_script("rate_limited", (APP,), now=now)


async def test_replicas_share_a_rate(redis_client, other_redis_client):
    one, other = rate_limiter(redis_client, app=10.0), rate_limiter(other_redis_client, app=10.0)
    waits = [await each.acquire(API, 60) for _ in range(10) for each in (one, other)]
    assert waits[-1] == pytest.approx(1.8, abs=0.2)
    assert await one.acquire(API, 0.5) is None


async def test_replicas_share_a_lowered_rate(redis_client, other_redis_client):
    one, other = rate_limiter(redis_client), rate_limiter(other_redis_client)
    for _ in range(20):
        assert await one.acquire(API, 60) == 0
    await one.on_rate_limited(API, APP)
    waits = [await other.acquire(API, 60) for _ in range(30)]
    assert waits[-1] > 1


async def test_released_permits_can_be_acquired_again(redis_client, other_redis_client):
    one, other = rate_limiter(redis_client, app=10.0), rate_limiter(other_redis_client, app=10.0)
    for _ in range(50):
        await one.acquire(API, 60)
    for _ in range(50):
        one.release(API)
    await one.close()
    assert await other.acquire(API, 60) == pytest.approx(0, abs=0.05)


async def test_keys_expire(redis_client, redis):
    found = rate_limiter(redis_client, app=10.0)
    await found.acquire(API, 60)
    keys = await redis.keys("*")
    assert len(keys) == 2
    for key in keys:
        assert 0 < await redis.pttl(key) <= (POLICY.reset_after_s + 1) * 1000


async def test_without_redis_a_replica_uses_its_own_limits(unreachable_redis_client):
    found = rate_limiter(unreachable_redis_client, app=10.0)
    with structlog.testing.capture_logs() as logs:
        started = time.monotonic()
        waits = [await found.acquire(API, 60) for _ in range(12)]
        await found.on_rate_limited(API, APP)
        found.release(API)
        await found.close()
    assert waits[-1] == pytest.approx(1.0, abs=0.2)
    assert time.monotonic() - started < 2, "only the first waits for it"
    assert [line["event"] for line in logs] == ["redis_failed"]


async def test_an_unresponsive_redis_costs_one_short_wait(serve_raw, redis_process):
    async def silent(reader, _writer):
        await reader.read()

    redis_client = RedisClient(f"redis://{await serve_raw(silent)}", "1000000")
    try:
        started = time.monotonic()
        for _ in range(10):
            assert await rate_limiter(redis_client).acquire(API, 60) == 0
        assert time.monotonic() - started < 1
    finally:
        await redis_client.close()


async def test_cancelled_commands_do_not_break_the_connections(monkeypatch, redis_process, redis):
    monkeypatch.setattr("services.adapter.gateway.redis_client.TIMEOUT_S", 30)  # a busy machine is no failure
    redis_client = RedisClient(redis_process.url, "1000000")
    found = rate_limiter(redis_client)
    for _ in range(20):
        tasks = [asyncio.create_task(found.acquire(API, 60)) for _ in range(50)]
        await asyncio.sleep(random.random() * 0.003)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    responses = await asyncio.gather(
        *(redis_client.execute(lambda redis: redis.echo("ours")) for _ in range(100))
    )
    await redis_client.close()
    assert set(responses) == {b"ours"}
