"""One renewal of the access token for all replicas: who holds the lock asks 1688, the others read."""

import asyncio
import hashlib
import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from services.adapter.gateway.auth.tokens import RENEWAL_TIMEOUT_S, FetchToken, TokenResponse
from services.adapter.gateway.redis_client import RedisClient, RedisUnavailable
from services.errors import ConnectError

LOCK_MS = int((RENEWAL_TIMEOUT_S + 1) * 1000)
"""Longer than a renewal takes; a replica that dies holds up the others no longer."""
POLL_S = 0.1
KEPT_S = 180 * 86_400
"""How long a record is kept: the life of a refresh token, where 1688 does not say."""
LINEAGE = 16
"""Refresh tokens that a record remembers, as fingerprints."""

_UNLOCK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What replicas share of a token."""

    access_token: str
    issued_at: float
    valid_until: float
    """Both in seconds since the epoch."""
    refresh_token: str
    refresh_until: float | None
    lineage: tuple[str, ...]
    """Fingerprints of the refresh tokens that led here: a replica's own must be among them, or it was given
    another since, and the record is of no use."""


class SharedTokenFetcher:
    """A `Fetch` around another: takes what another replica fetched, or fetches for all."""

    def __init__(self, link: RedisClient, fetch: FetchToken) -> None:
        self._link = link
        self._fetch = fetch
        self._release = link.script(_UNLOCK)
        self._last = ""
        """The access token returned last: who comes back for another does not want this one."""

    async def __call__(self, refresh_token: str, deadline: float) -> TokenResponse:
        """Return a token other than the last one. Raises what the fetch raises, and Unreachable."""
        try:
            grant = await self._shared(refresh_token, deadline)
        except RedisUnavailable:
            grant = await self._fetch(refresh_token, deadline)
        self._last = grant.access_token
        return grant

    async def _shared(self, refresh_token: str, deadline: float) -> TokenResponse:
        owner = secrets.token_hex(8)
        clock = asyncio.get_running_loop().time
        while clock() < deadline:
            record = await self._load(refresh_token)
            if record is not None and record.access_token != self._last and record.valid_until > time.time():
                return _as_grant(record)
            if await self._lock(owner):
                try:
                    return await self._fetched(refresh_token, record, deadline)
                finally:
                    await self._unlock(owner)
            await asyncio.sleep(POLL_S)
        raise ConnectError("another replica did not renew the access token in time")

    async def _fetched(self, refresh_token: str, record: _Record | None, deadline: float) -> TokenResponse:
        """Fetch with the newest refresh token of the line, and share what comes."""
        newest = record.refresh_token if record else refresh_token
        grant = await self._fetch(newest, deadline)
        following = grant.refresh_token or newest
        lineage = (*(record.lineage if record else (_fingerprint(refresh_token),)), _fingerprint(following))
        now = time.time()
        saved = _Record(
            access_token=grant.access_token,
            issued_at=now,
            valid_until=now + grant.life_s,
            refresh_token=following,
            refresh_until=grant.refresh_until or (record.refresh_until if record else None),
            lineage=tuple(dict.fromkeys(lineage))[-LINEAGE:],
        )
        with suppress(
            RedisUnavailable
        ):  # told of already; this replica has its token, the others will ask for theirs
            await self._save(saved)
        return replace(grant, refresh_token=following)

    async def _load(self, refresh_token: str) -> _Record | None:
        text = await self._link.ask(lambda redis: redis.get(self._link.key("token")))
        try:
            told: dict[str, Any] = json.loads(text or "{}")
            record = _Record(**{**told, "lineage": tuple(told["lineage"])})
        except (ValueError, TypeError, KeyError):
            return None  # there is none, or one of another version
        return record if _fingerprint(refresh_token) in record.lineage else None

    async def _save(self, record: _Record) -> None:
        members = {name: getattr(record, name) for name in record.__slots__}
        kept_s = max(1, int((record.refresh_until or time.time() + KEPT_S) - time.time()))
        text = json.dumps(members)
        await self._link.ask(lambda redis: redis.set(self._link.key("token"), text, ex=kept_s))

    async def _lock(self, owner: str) -> bool:
        key = self._link.key("token:lock")
        return bool(await self._link.ask(lambda redis: redis.set(key, owner, nx=True, px=LOCK_MS)))

    async def _unlock(self, owner: str) -> None:
        key = self._link.key("token:lock")
        with suppress(RedisUnavailable):  # it ends by itself
            await self._link.ask(lambda _: self._release(keys=[key], args=[owner]))


def _as_grant(record: _Record) -> TokenResponse:
    now = time.time()
    return TokenResponse(
        access_token=record.access_token,
        life_s=record.valid_until - now,
        refresh_token=record.refresh_token,
        refresh_until=record.refresh_until,
        age_s=now - record.issued_at,
    )


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]
