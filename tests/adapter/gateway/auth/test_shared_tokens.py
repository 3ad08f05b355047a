"""The access token that replicas share through Redis (`make test-redis`)."""

import asyncio
import time

import pytest

from services.adapter.gateway import SharedTokenFetcher, TokenResponse
from services.errors import CredentialRejected

pytestmark = [pytest.mark.redis, pytest.mark.asyncio(loop_factories=["asyncio"])]


class FakeTokenServer:
    """1688's getToken for one token_server."""

    def __init__(self, *, rotate: bool = False, expires_in_s: float = 3600) -> None:
        self.refresh_token = "first"
        self.refresh_tokens: list[str] = []
        self._rotate = rotate
        self._life_s = expires_in_s

    async def fetch(self, refresh_token: str, _deadline: float) -> TokenResponse:
        self.refresh_tokens.append(refresh_token)
        await asyncio.sleep(0.05)
        if refresh_token != self.refresh_token:
            raise CredentialRejected("x")
        if self._rotate:
            self.refresh_token = f"rotated-{len(self.refresh_tokens)}"
        return TokenResponse(
            access_token=f"access-{len(self.refresh_tokens)}",
            expires_in_s=self._life_s,
            refresh_token=self.refresh_token if self._rotate else None,
            refresh_token_expires_at=time.time() + 1e6,
        )


def in_five_seconds() -> float:
    return asyncio.get_running_loop().time() + 5


@pytest.mark.parametrize("rotate", [False, True])
async def test_one_refresh_for_all_replicas(rotate, redis_client, other_redis_client):
    token_server = FakeTokenServer(rotate=rotate)
    replicas = [
        SharedTokenFetcher(each, token_server.fetch) for each in (redis_client, other_redis_client) * 5
    ]
    tokens = await asyncio.gather(*(replica("first", in_five_seconds()) for replica in replicas))
    assert {token.access_token for token in tokens} == {"access-1"}
    assert {token.refresh_token for token in tokens} == {"rotated-1" if rotate else "first"}

    tokens = await asyncio.gather(*(replica("first", in_five_seconds()) for replica in replicas))
    assert {token.access_token for token in tokens} == {"access-2"}, (
        "a replica that asks again needs another token"
    )
    assert token_server.refresh_tokens == (["first", "rotated-1"] if rotate else ["first", "first"])


async def test_a_replica_that_starts_later_uses_the_stored_token(redis_client, other_redis_client):
    token_server = FakeTokenServer(rotate=True)
    await SharedTokenFetcher(redis_client, token_server.fetch)("first", in_five_seconds())
    for given in ("first", "rotated-1"):
        token = await SharedTokenFetcher(other_redis_client, token_server.fetch)(given, in_five_seconds())
        assert (token.access_token, token.refresh_token) == ("access-1", "rotated-1")
        assert 3500 < token.expires_in_s <= 3600
        assert 0 <= token.age_s < 10
    assert len(token_server.refresh_tokens) == 1


async def test_another_refresh_token_ignores_the_stored_token(redis_client):
    """The operator configured a new one: the token of the old one must not be used."""
    await SharedTokenFetcher(redis_client, FakeTokenServer().fetch)("first", in_five_seconds())
    new_server = FakeTokenServer()
    new_server.refresh_token = "given-later"
    await SharedTokenFetcher(redis_client, new_server.fetch)("given-later", in_five_seconds())
    assert new_server.refresh_tokens == ["given-later"]


async def test_an_expired_token_is_not_used(redis_client, other_redis_client):
    token_server = FakeTokenServer(expires_in_s=0.01)
    await SharedTokenFetcher(redis_client, token_server.fetch)("first", in_five_seconds())
    await asyncio.sleep(0.02)
    await SharedTokenFetcher(other_redis_client, token_server.fetch)("first", in_five_seconds())
    assert len(token_server.refresh_tokens) == 2


async def test_a_failed_refresh_is_not_shared_and_releases_the_lock(redis_client, other_redis_client, redis):
    token_server = FakeTokenServer()
    token_server.refresh_token = "another"
    outcomes = await asyncio.gather(
        *(
            SharedTokenFetcher(each, token_server.fetch)("first", in_five_seconds())
            for each in (redis_client, other_redis_client)
        ),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {CredentialRejected}
    assert await redis.keys("*") == []


async def test_an_unreadable_record_is_ignored(redis_client, redis):
    for text in ("{", "[]", '{"lineage": []}', '{"version": 2, "lineage": []}'):
        await redis.set(redis_client.key("token"), text)
        assert (
            await SharedTokenFetcher(redis_client, FakeTokenServer().fetch)("first", in_five_seconds())
        ).access_token == "access-1"


async def test_without_redis_a_replica_refreshes_alone(unreachable_redis_client):
    token_server = FakeTokenServer()
    token = await SharedTokenFetcher(unreachable_redis_client, token_server.fetch)("first", in_five_seconds())
    assert token.access_token == "access-1"


async def test_the_record_expires_with_the_refresh_token(redis_client, redis):
    await SharedTokenFetcher(redis_client, FakeTokenServer().fetch)("first", in_five_seconds())
    assert await redis.ttl(redis_client.key("token")) == pytest.approx(1e6, abs=10)
