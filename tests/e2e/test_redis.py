"""Replicas that share an access token and a rate limit through Redis (`make test-redis`)."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tests.e2e.conftest import RpcClient, StartDedicated
from tests.e2e.fault_table import REFRESHING_TOKEN
from tests.support.polling import wait_until
from tests.support.redis_server import RedisServer, redis_server
from tests.support.redis_servers import PASSWORD, redis_group, redis_process
from tests.support.sandbox_client import SandboxClient

pytestmark = pytest.mark.redis

RECOVERY_TIMEOUT_S = 30.0
"""Sentinel needs a second to notice the loss, and a vote; after a failure replicas pause for 5 s."""
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
    wait_until(lambda: any("token_refreshed" in process.log.read_text() for process, _ in replicas))
    logs = "".join(process.log.read_text() for process, _ in replicas)
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
    wait_until(lambda: "redis_failed" in process.log.read_text())
    assert process.log.read_text().count("redis_failed") == 1


def test_replicas_keep_a_rotating_token_through_failovers(
    start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    """Calls run meanwhile. Afterwards no replica is left with a refresh token that 1688 no longer accepts."""
    rotate = {"refresh_token": "rotate", "revoke_access_tokens": True}
    sandbox.admin("PUT", "tokens", rotate)
    with redis_group() as group, ThreadPoolExecutor() as pool:
        settings = REFRESHING_TOKEN | {"NATIONALSITE_REDIS_URL": group.url}
        replicas = [start_dedicated("product", settings=settings) for _ in range(3)]
        ended = threading.Event()
        outcomes = [pool.submit(_call_until, ended, client) for _, client in replicas]
        group.fail_over()
        sandbox.admin("PUT", "tokens", rotate)
        wait_until(lambda: all(_can_call(client) for _, client in replicas))
        group.master_process().kill()
        sandbox.admin("PUT", "tokens", rotate)  # while there is no master
        wait_until(lambda: all(_can_call(client) for _, client in replicas), RECOVERY_TIMEOUT_S)
        ended.set()
        assert all(outcome.result()["OK"] for outcome in outcomes)
        # All have the newest refresh token: another rotation is no problem.
        sandbox.admin("PUT", "tokens", rotate)
        wait_until(lambda: all(_can_call(client) for _, client in replicas), RECOVERY_TIMEOUT_S)
        late = start_dedicated("product", settings=settings)
        wait_until(lambda: _can_call(late[1]), RECOVERY_TIMEOUT_S)
    logs = "".join(process.log.read_text() for process, _ in replicas)
    assert PASSWORD not in logs


def _call_until(ended: threading.Event, client: RpcClient) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    while not ended.wait(0.05):
        outcomes["OK" if _can_call(client) else "failed"] += 1
    return outcomes


def _can_call(client: RpcClient) -> bool:
    try:
        client.call("SearchByKeyword", "national-site", SEARCH)
    except grpc.RpcError:
        return False
    return True


def test_a_cluster_stops_the_start(start_dedicated: StartDedicated) -> None:
    with redis_process("cluster-enabled yes") as server:
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}"
        with pytest.raises(RuntimeError, match="REDIS_URL: this server is part of a Redis Cluster"):
            start_dedicated("product", settings={"NATIONALSITE_REDIS_URL": url})


def test_an_invalid_url_is_reported_without_its_password(start_dedicated: StartDedicated) -> None:
    with pytest.raises(RuntimeError, match="NATIONALSITE_REDIS_URL: must be a URL of Redis") as failure:
        start_dedicated("product", settings={"NATIONALSITE_REDIS_URL": "http://user:hush@host"})
    assert "hush" not in str(failure.value)


def _count_token_requests(sandbox: SandboxClient) -> int:
    return sum("getToken" in call["path"] for call in sandbox.calls())
