"""The access token that replicas share through Redis (`make test-redis`)."""

import asyncio
import time

import pytest

from services.adapter.gateway import SharedTokenFetcher, TokenResponse
from services.errors import CredentialRejected

pytestmark = [pytest.mark.redis, pytest.mark.asyncio(loop_factories=["asyncio"])]


class Account:
    """1688's side: counts the grants of one account."""

    def __init__(self, *, rotate: bool = False, expires_in_s: float = 3600) -> None:
        self.refresh_token = "first"
        self.asked: list[str] = []
        self._rotate = rotate
        self._life_s = expires_in_s

    async def fetch(self, refresh_token: str, _deadline: float) -> TokenResponse:
        self.asked.append(refresh_token)
        await asyncio.sleep(0.05)
        if refresh_token != self.refresh_token:
            raise CredentialRejected("x")
        if self._rotate:
            self.refresh_token = f"rotated-{len(self.asked)}"
        return TokenResponse(
            access_token=f"access-{len(self.asked)}",
            expires_in_s=self._life_s,
            refresh_token=self.refresh_token if self._rotate else None,
            refresh_token_expires_at=time.time() + 1e6,
        )


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


@pytest.mark.parametrize("rotate", [False, True])
async def test_one_renewal_for_all_replicas(rotate, redis_client, other_redis_client):
    account = Account(rotate=rotate)
    replicas = [SharedTokenFetcher(each, account.fetch) for each in (redis_client, other_redis_client) * 5]
    grants = await asyncio.gather(*(replica("first", soon()) for replica in replicas))
    assert {grant.access_token for grant in grants} == {"access-1"}
    assert {grant.refresh_token for grant in grants} == {"rotated-1" if rotate else "first"}

    grants = await asyncio.gather(*(replica("first", soon()) for replica in replicas))
    assert {grant.access_token for grant in grants} == {"access-2"}, "who comes back wants another"
    assert account.asked == (["first", "rotated-1"] if rotate else ["first", "first"])


async def test_a_replica_that_starts_later_takes_what_is_there(redis_client, other_redis_client):
    account = Account(rotate=True)
    await SharedTokenFetcher(redis_client, account.fetch)("first", soon())
    for given in ("first", "rotated-1"):
        grant = await SharedTokenFetcher(other_redis_client, account.fetch)(given, soon())
        assert (grant.access_token, grant.refresh_token) == ("access-1", "rotated-1")
        assert 3500 < grant.expires_in_s <= 3600
        assert 0 <= grant.age_s < 10
    assert len(account.asked) == 1


async def test_another_refresh_token_starts_anew(redis_client):
    """An operator gave a new one: what the old one led to is of no use."""
    await SharedTokenFetcher(redis_client, Account().fetch)("first", soon())
    renewed = Account()
    renewed.refresh_token = "given-later"
    await SharedTokenFetcher(redis_client, renewed.fetch)("given-later", soon())
    assert renewed.asked == ["given-later"]


async def test_an_expired_token_is_not_taken(redis_client, other_redis_client):
    account = Account(expires_in_s=0.01)
    await SharedTokenFetcher(redis_client, account.fetch)("first", soon())
    await asyncio.sleep(0.02)
    await SharedTokenFetcher(other_redis_client, account.fetch)("first", soon())
    assert len(account.asked) == 2


async def test_a_failed_renewal_is_everybodys_own_and_leaves_no_lock(redis_client, other_redis_client, redis):
    account = Account()
    account.refresh_token = "another"
    outcomes = await asyncio.gather(
        *(
            SharedTokenFetcher(each, account.fetch)("first", soon())
            for each in (redis_client, other_redis_client)
        ),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {CredentialRejected}
    assert await redis.keys("*") == []


async def test_a_record_that_makes_no_sense_is_none(redis_client, redis):
    for text in ("{", "[]", '{"lineage": []}', '{"version": 2, "lineage": []}'):
        await redis.set(redis_client.key("token"), text)
        assert (
            await SharedTokenFetcher(redis_client, Account().fetch)("first", soon())
        ).access_token == "access-1"


async def test_without_redis_a_replica_renews_alone(unreachable_redis_client):
    account = Account()
    grant = await SharedTokenFetcher(unreachable_redis_client, account.fetch)("first", soon())
    assert grant.access_token == "access-1"


async def test_the_record_ends_with_the_refresh_token(redis_client, redis):
    await SharedTokenFetcher(redis_client, Account().fetch)("first", soon())
    assert await redis.ttl(redis_client.key("token")) == pytest.approx(1e6, abs=10)
