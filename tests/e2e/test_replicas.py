"""Replicas that share what 1688 gives to one account (`make test-redis`)."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.redis_server import redis_server

pytestmark = pytest.mark.redis

SEARCH = {"keyword": "dress", "page_size": 1}
RENEWED = {"NATIONALSITE_ACCESS_TOKEN": "", "NATIONALSITE_REFRESH_TOKEN": "test-refresh-token"}


@pytest.fixture
def redis():
    with redis_server() as running:
        yield running


def test_one_token_for_all_replicas(alone, sandbox, redis) -> None:
    """Even where 1688 rotates the refresh token, and for a replica that starts when it has."""
    sandbox.admin("PUT", "tokens", {"refresh_token": "rotate"})
    settings = RENEWED | {"NATIONALSITE_REDIS_URL": redis.url}
    replicas = [alone("product", settings=settings) for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda each: each[1].call("SearchByKeyword", "national-site", SEARCH), replicas))
    assert _fetched(sandbox) == 1
    sandbox.admin("PUT", "tokens", {"revoke_access_tokens": True, "refresh_token": "rotate"})
    replicas.append(alone("product", settings=settings))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda each: each[1].call("SearchByKeyword", "national-site", SEARCH), replicas))
    assert _fetched(sandbox) == 2
    logs = "".join(running.log.read_text() for running, _ in replicas)
    assert "token_refreshed" in logs
    for secret in ("test-app-secret", "test-refresh-token", "00000000-0000-4000-8000-"):
        assert secret not in logs


def test_one_rate_for_all_replicas(alone, sandbox, redis) -> None:
    settings = {"NATIONALSITE_REDIS_URL": redis.url, "NATIONALSITE_APP_RATE": "10"}
    replicas = [alone("product", settings=settings)[1] for _ in range(2)]
    started = time.monotonic()
    with ThreadPoolExecutor(30) as pool:
        calls = [
            pool.submit(each.call, "SearchByKeyword", "national-site", SEARCH)
            for _ in range(15)
            for each in replicas
        ]
    assert all(call.result() for call in calls)
    assert 2.5 < time.monotonic() - started < 6


def test_without_redis_every_replica_goes_on(alone, sandbox, redis) -> None:
    settings = RENEWED | {"NATIONALSITE_REDIS_URL": redis.url}
    running, rpcs = alone("product", settings=settings)
    rpcs.call("SearchByKeyword", "national-site", SEARCH)
    redis.stop()
    for _ in range(5):
        rpcs.call("SearchByKeyword", "national-site", SEARCH)
    sandbox.admin("PUT", "tokens", {"revoke_access_tokens": True})
    rpcs.call("SearchByKeyword", "national-site", SEARCH)
    assert running.log.read_text().count("redis_failed") == 1


def test_a_url_that_is_none_is_told_without_its_password(alone) -> None:
    with pytest.raises(RuntimeError, match="NATIONALSITE_REDIS_URL: must be a URL of Redis") as failure:
        alone("product", settings={"NATIONALSITE_REDIS_URL": "http://user:hush@host"})
    assert "hush" not in str(failure.value)


def _fetched(sandbox) -> int:
    return sum("getToken" in call["path"] for call in sandbox.calls())
