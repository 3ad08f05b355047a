"""Replicas that share an access token and a rate limit through Redis (`make test-redis`)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import StartDedicated
from tests.e2e.fault_table import REFRESHING_TOKEN
from tests.support.redis_server import RedisServer, redis_server
from tests.support.sandbox_client import SandboxClient

pytestmark = pytest.mark.redis

SEARCH = {"keyword": "dress", "page_size": 1}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def test_one_token_for_all_replicas(
    start_dedicated: StartDedicated, sandbox: SandboxClient, redis: RedisServer
) -> None:
    """It holds even if 1688 rotates the refresh token, and for a replica that starts later."""
    sandbox.admin("PUT", "tokens", {"refresh_token": "rotate"})
    settings = REFRESHING_TOKEN | {"NATIONALSITE_REDIS_URL": redis.url}
    replicas = [start_dedicated("product", settings=settings) for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda replica: replica[1].call("SearchByKeyword", "national-site", SEARCH), replicas))
    assert _count_token_requests(sandbox) == 1
    sandbox.admin("PUT", "tokens", {"revoke_access_tokens": True, "refresh_token": "rotate"})
    replicas.append(start_dedicated("product", settings=settings))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda replica: replica[1].call("SearchByKeyword", "national-site", SEARCH), replicas))
    assert _count_token_requests(sandbox) == 2
    logs = "".join(process.log.read_text() for process, _ in replicas)
    assert "token_refreshed" in logs
    for secret in ("test-app-secret", "test-refresh-token", "00000000-0000-4000-8000-"):
        assert secret not in logs


def test_one_rate_for_all_replicas(
    start_dedicated: StartDedicated, sandbox: SandboxClient, redis: RedisServer
) -> None:
    settings = {"NATIONALSITE_REDIS_URL": redis.url, "NATIONALSITE_APP_RATE": "10"}
    clients = [start_dedicated("product", settings=settings)[1] for _ in range(2)]
    started = time.monotonic()
    with ThreadPoolExecutor(30) as pool:
        calls = [
            pool.submit(client.call, "SearchByKeyword", "national-site", SEARCH)
            for _ in range(15)
            for client in clients
        ]
    assert all(call.result() for call in calls)
    assert 2.5 < time.monotonic() - started < 6


def test_a_replica_continues_without_redis(
    start_dedicated: StartDedicated, sandbox: SandboxClient, redis: RedisServer
) -> None:
    settings = REFRESHING_TOKEN | {"NATIONALSITE_REDIS_URL": redis.url}
    process, client = start_dedicated("product", settings=settings)
    client.call("SearchByKeyword", "national-site", SEARCH)
    redis.stop()
    for _ in range(5):
        client.call("SearchByKeyword", "national-site", SEARCH)
    sandbox.admin("PUT", "tokens", {"revoke_access_tokens": True})
    client.call("SearchByKeyword", "national-site", SEARCH)
    assert process.log.read_text().count("redis_failed") == 1


def test_an_invalid_url_is_reported_without_its_password(start_dedicated: StartDedicated) -> None:
    with pytest.raises(RuntimeError, match="NATIONALSITE_REDIS_URL: must be a URL of Redis") as failure:
        start_dedicated("product", settings={"NATIONALSITE_REDIS_URL": "http://user:hush@host"})
    assert "hush" not in str(failure.value)


def _count_token_requests(sandbox: SandboxClient) -> int:
    return sum("getToken" in call["path"] for call in sandbox.calls())
