"""One access token for all replicas: the replica that holds the lock fetches it, the others read it."""

import asyncio
import hashlib
import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from redis.asyncio.lock import Lock
from redis.exceptions import LockNotOwnedError

from services.adapter.gateway.auth.refreshing import REFRESH_TIMEOUT_S
from services.adapter.gateway.auth.token_provider import TokenFetcher, TokenResponse
from services.adapter.gateway.redis_client import RedisClient, RedisUnavailable
from services.errors import ConnectError

LOCK_TIMEOUT_S = REFRESH_TIMEOUT_S + 1
"""Longer than a refresh takes: a lock expires only if the replica that holds it died."""
POLL_INTERVAL_S = 0.1
DEFAULT_RECORD_TTL_S = 180 * 86_400
"""How long a record is stored if 1688 does not state when the refresh token expires: its usual life."""
MAX_LINEAGE = 16
"""How many refresh tokens a record remembers, as fingerprints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """The tokens that replicas share, as stored in Redis."""

    access_token: str
    issued_at: float
    """In seconds since the epoch, like the other times."""
    expires_at: float
    refresh_token: str
    refresh_token_expires_at: float | None
    lineage: tuple[str, ...]
    """Fingerprints of the current refresh token and of those that it replaced, oldest first.

    A replica whose own refresh token is not among them was configured with a new one: it ignores the record.
    """


class SharedTokenFetcher:
    """A TokenFetcher that returns what another replica fetched, or fetches for all replicas."""

    def __init__(self, redis: RedisClient, fetch: TokenFetcher) -> None:
        self._redis = redis
        self._fetch = fetch
        self._last_token = ""
        """The access token returned last: a replica that asks again needs another one."""

    async def __call__(self, refresh_token: str, deadline: float) -> TokenResponse:
        """Return a token other than the last one. Raises the errors of `fetch`, and ConnectError."""
        try:
            response = await self._load_or_fetch(refresh_token, deadline)
        except RedisUnavailable:
            response = await self._fetch(refresh_token, deadline)
        self._last_token = response.access_token
        return response

    async def _load_or_fetch(self, refresh_token: str, deadline: float) -> TokenResponse:
        clock = asyncio.get_running_loop().time
        lock = self._redis.lock("token:lock", timeout_s=LOCK_TIMEOUT_S)
        while clock() < deadline:
            record = await self._load(refresh_token)
            if (
                record is not None
                and record.access_token != self._last_token
                and record.expires_at > time.time()
            ):
                return _to_response(record)
            if await self._redis.execute(lambda _: lock.acquire(blocking=False)):
                try:
                    return await self._fetch_and_save(refresh_token, record, deadline)
                finally:
                    with suppress(RedisUnavailable):  # the lock then expires by itself
                        await self._redis.execute(lambda _: _release(lock))
            await asyncio.sleep(POLL_INTERVAL_S)
        raise ConnectError("another replica did not refresh the access token in time")

    async def _fetch_and_save(
        self, refresh_token: str, record: _Record | None, deadline: float
    ) -> TokenResponse:
        """Fetch a token with the latest refresh token, and save it for all replicas."""
        latest = record.refresh_token if record else refresh_token
        response = await self._fetch(latest, deadline)
        rotated = response.refresh_token or latest
        lineage = (*(record.lineage if record else (_fingerprint(refresh_token),)), _fingerprint(rotated))
        now = time.time()
        new_record = _Record(
            access_token=response.access_token,
            issued_at=now,
            expires_at=now + response.expires_in_s,
            refresh_token=rotated,
            refresh_token_expires_at=response.refresh_token_expires_at
            or (record.refresh_token_expires_at if record else None),
            lineage=tuple(dict.fromkeys(lineage))[-MAX_LINEAGE:],
        )
        with suppress(RedisUnavailable):  # RedisClient logs it; the other replicas fetch their own tokens
            await self._save(new_record)
        return replace(response, refresh_token=rotated)

    async def _load(self, refresh_token: str) -> _Record | None:
        text = await self._redis.execute(lambda redis: redis.get(self._redis.key("token")))
        try:
            fields: dict[str, Any] = json.loads(text or "{}")
            record = _Record(**{**fields, "lineage": tuple(fields["lineage"])})
        except (ValueError, TypeError, KeyError):
            return None  # no record, or a record of another version of this code
        return record if _fingerprint(refresh_token) in record.lineage else None

    async def _save(self, record: _Record) -> None:
        now = time.time()
        ttl_s = max(1, int((record.refresh_token_expires_at or now + DEFAULT_RECORD_TTL_S) - now))
        text = json.dumps(asdict(record))
        await self._redis.execute(lambda redis: redis.set(self._redis.key("token"), text, ex=ttl_s))


async def _release(lock: Lock) -> None:
    with suppress(LockNotOwnedError):  # the lock has expired
        await lock.release()


def _to_response(record: _Record) -> TokenResponse:
    now = time.time()
    return TokenResponse(
        access_token=record.access_token,
        expires_in_s=record.expires_at - now,
        refresh_token=record.refresh_token,
        refresh_token_expires_at=record.refresh_token_expires_at,
        age_s=now - record.issued_at,
    )


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]
