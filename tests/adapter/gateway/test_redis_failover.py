"""Redis that fails over, and Redis that can never work, with real servers (`make test-redis`)."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import structlog

from services.adapter.gateway import SharedTokenFetcher, TokenResponse, redis_client
from services.adapter.gateway.auth import shared_tokens
from services.adapter.gateway.redis_client import RedisClient
from services.adapter.gateway.redis_errors import RedisUnavailable
from services.errors import CredentialRejected, StartupError
from tests.support.forward_proxy import relay
from tests.support.redis_servers import PASSWORD, redis_group, redis_process

pytestmark = [pytest.mark.redis, pytest.mark.asyncio(loop_factories=["asyncio"])]


@pytest.fixture(scope="module")
def group():
    with redis_group() as running:
        yield running


@asynccontextmanager
async def connected(url):
    client = RedisClient(url, "1000000")
    yield client
    await client.close()


async def write(client, value="1"):
    await client.execute(lambda redis: redis.set(client.key("x"), value))


async def read(client):
    return await client.execute(lambda redis: redis.get(client.key("x")))


async def test_sentinel_leads_to_the_new_master(group):
    async with connected(group.url) as client:
        await write(client, "before")
        await asyncio.to_thread(group.fail_over)
        async with asyncio.timeout(20):
            while True:
                try:
                    await write(client, "after")
                    break
                except RedisUnavailable:
                    await asyncio.sleep(0.1)
        assert group.master_process().ask("GET", client.key("x")) == "after"


@pytest.mark.parametrize("command", ["write", "script"])
async def test_no_connection_to_a_demoted_master_is_kept(command):
    """The name leads to the new master. The old one, a replica now, leaves the connections open."""
    with redis_process() as old, redis_process() as new:
        target = old

        async def serve(reader, writer):
            await relay(reader, writer, f"127.0.0.1:{target.port}")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as name:
            url = f"redis://:{PASSWORD}@127.0.0.1:{name.sockets[0].getsockname()[1]}"
            async with connected(url) as client:
                script = client.script("return redis.call('SET', KEYS[1], ARGV[1])")
                await asyncio.gather(*(write(client) for _ in range(8)))
                assert await asyncio.to_thread(old.ask, "REPLICAOF", "127.0.0.1", str(new.port))
                target = new
                with structlog.testing.capture_logs() as logs:
                    if command == "write":
                        await write(client, "new")
                    else:
                        await client.execute(lambda _: script(keys=[client.key("x")], args=["new"]))
                    assert [await read(client) for _ in range(8)] == [b"new"] * 8
                assert not logs, "no command failed, and there was no pause"


@pytest.mark.parametrize(
    ("lines", "holds_token", "warning"),
    [
        ((), True, None),
        (("maxmemory 50mb", "maxmemory-policy noeviction"), True, None),
        (("maxmemory 50mb", "maxmemory-policy volatile-lru"), True, "redis_may_evict_token"),
        (("maxmemory 50mb", "maxmemory-policy allkeys-lru"), True, "redis_may_evict_token"),
        (("maxmemory 50mb", "maxmemory-policy allkeys-lru"), False, None),
        (("replicaof 127.0.0.1 1",), True, "redis_is_read_only"),
    ],
)
async def test_the_server_is_checked_at_the_start(lines, holds_token, warning):
    with redis_process(*lines) as server:
        async with connected(f"redis://:{PASSWORD}@127.0.0.1:{server.port}") as client:
            with structlog.testing.capture_logs() as logs:
                await client.check(holds_token=holds_token)
    assert [log["event"] for log in logs] == ([warning] if warning else [])


async def test_a_cluster_stops_the_start():
    with redis_process("cluster-enabled yes") as server:
        async with connected(f"redis://:{PASSWORD}@127.0.0.1:{server.port}") as client:
            with pytest.raises(StartupError, match="Redis Cluster, which is not supported") as caught:
                await client.check(holds_token=True)
    assert caught.value.lines[0].startswith("NATIONALSITE_REDIS_URL: ")


async def test_a_server_that_cannot_be_checked_does_not_stop_the_start():
    """It may be there later, and no call fails without it."""
    with redis_process() as server:
        for port, password in ((server.port, "wrong-hush"), (1, PASSWORD)):
            async with connected(f"redis://:{password}@127.0.0.1:{port}") as client:
                with structlog.testing.capture_logs() as logs:
                    await client.check(holds_token=True)
            assert [log["event"] for log in logs] == ["redis_not_checked"]
            assert "hush" not in str(logs)


class RotatingTokens:
    """1688's getToken: each refresh token works once, and the access token it gives is new."""

    def __init__(self):
        self.valid = "first"
        self.count = 0

    async def fetch(self, refresh_token, _deadline):
        if refresh_token != self.valid:
            raise CredentialRejected("1688 rejects the refresh token")
        self.count += 1
        self.valid = f"rotated-{self.count}"
        return TokenResponse(access_token=f"access-{self.count}", expires_in_s=3600, refresh_token=self.valid)


@pytest.fixture
def short_pauses(monkeypatch):
    monkeypatch.setattr(redis_client, "PAUSE_S", 0.1)
    monkeypatch.setattr(shared_tokens, "STORE_INTERVAL_S", 0.02)


async def use(client):
    """Use Redis as the rate limit does; return whether it works."""
    try:
        await client.execute(lambda redis: redis.ping())
    except RedisUnavailable:
        return False
    return True


async def refresh(fetcher, token="first"):  # noqa: S107 # made up
    deadline = asyncio.get_running_loop().time() + 5
    while True:
        try:
            return await fetcher(token, asyncio.get_running_loop().time() + 5)
        except CredentialRejected:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.05)


async def test_a_token_rotated_during_an_outage_reaches_the_other_replicas(short_pauses):
    """The other replica has only the refresh token that 1688 no longer accepts."""
    tokens = RotatingTokens()
    with redis_process() as server:
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}"
        async with connected(url) as one, connected(url) as other:
            first, second = (SharedTokenFetcher(each, tokens.fetch) for each in (one, other))
            server.kill()
            assert (await refresh(first)).refresh_token == "rotated-1"
            with pytest.raises(CredentialRejected):
                await second("first", asyncio.get_running_loop().time() + 1)
            server.start(f"requirepass {PASSWORD}")
            token = await refresh(second)
            assert (token.access_token, token.refresh_token) == ("access-1", "rotated-1")
            assert tokens.count == 1
            await first.close()
            await second.close()


async def test_a_token_that_a_failover_lost_is_stored_again(short_pauses):
    """The new master has not got the last write, and a replica starts with the oldest refresh token."""
    tokens = RotatingTokens()
    with redis_process() as server:
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}"
        async with connected(url) as one, connected(url) as other:
            first, second = (SharedTokenFetcher(each, tokens.fetch) for each in (one, other))
            await refresh(first)
            old = server.ask("GET", one.key("token"))
            await refresh(first, "rotated-1")
            server.kill()
            assert not await use(one)
            server.start(f"requirepass {PASSWORD}")
            server.ask("SET", one.key("token"), old)
            async with asyncio.timeout(5):
                while not await use(one) or server.ask("GET", one.key("token")) == old:  # noqa: ASYNC110 # no event
                    await asyncio.sleep(0.02)
            token = await refresh(second)
            assert (token.access_token, token.refresh_token) == ("access-2", "rotated-2")
            await first.close()
            await second.close()
