"""One access token for all replicas: the replica that holds the lock fetches it, the others read it."""

import asyncio
import hashlib
import json
import time
from contextlib import suppress
from contextvars import Context
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

import structlog

from services.adapter.gateway.auth.refreshing import REFRESH_TIMEOUT_S
from services.adapter.gateway.auth.token_provider import TokenFetcher, TokenResponse
from services.adapter.gateway.redis_errors import RedisUnavailable
from services.errors import ConnectError

if TYPE_CHECKING:
    from services.adapter.gateway.redis_client import RedisClient

LOCK_TIMEOUT_S = REFRESH_TIMEOUT_S + 1
"""Longer than a refresh takes: a lock expires only if the replica that holds it died."""
POLL_INTERVAL_S = 0.1
DEFAULT_RECORD_TTL_S = 180 * 86_400
"""How long a record is stored if 1688 does not state when the refresh token expires: its usual life."""
MAX_LINEAGE = 16
"""How many refresh tokens a record remembers, as fingerprints."""
STORE_INTERVAL_S = 1.0
"""Between attempts to store a record that Redis has not taken."""

_log = structlog.get_logger()


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
    """A TokenFetcher that returns what another replica fetched, or fetches for all replicas.

    It keeps the newest record that it knows. If Redis fails, or returns from a failover with older data, it
    stores its record there once Redis works: a refresh token that 1688 has rotated is invalid, so a replica
    that does not get the new one could never call 1688 again.
    """

    def __init__(self, redis: "RedisClient", fetch: TokenFetcher) -> None:
        self._redis = redis
        self._fetch = fetch
        self._last_token = ""
        """The access token returned last: a replica that asks again needs another one."""
        self._known: _Record | None = None
        """The newest record that this process has seen or made."""
        self._storing: asyncio.Task[None] | None = None
        redis.on_recovery(self._start_storing)

    async def __call__(self, refresh_token: str, deadline: float) -> TokenResponse:
        """Return a token other than the last one. Raises the errors of `fetch`, and ConnectError."""
        try:
            response = await self._load_or_fetch(refresh_token, deadline)
        except RedisUnavailable:
            response = await self._fetch_alone(refresh_token, deadline)
        self._last_token = response.access_token
        return response

    async def close(self) -> None:
        """Stop storing what Redis has not taken yet."""
        if self._storing is not None and not self._storing.done():
            self._storing.cancel()
            await asyncio.wait([self._storing])
            _log.error("shared_token_not_stored")

    async def _load_or_fetch(self, refresh_token: str, deadline: float) -> TokenResponse:
        clock = asyncio.get_running_loop().time
        lock = self._redis.lock("token:lock", timeout_s=LOCK_TIMEOUT_S)
        while clock() < deadline:
            if self._is_new(record := await self._load(refresh_token)):
                return _to_response(record)
            if await self._redis.execute(lambda _: lock.acquire(blocking=False)):
                try:
                    # Read again: another replica may have stored it meanwhile; or the first read was that of
                    # a server of Redis that has become read-only, which cannot have granted the lock.
                    if self._is_new(record := await self._load(refresh_token)):
                        return _to_response(record)
                    return await self._fetch_and_save(refresh_token, record, deadline)
                finally:
                    with suppress(RedisUnavailable):  # the lock then expires by itself
                        await self._redis.release(lock)
            await asyncio.sleep(POLL_INTERVAL_S)
        raise ConnectError("another replica did not refresh the access token in time")

    def _is_new(self, record: _Record | None) -> TypeGuard[_Record]:
        return (
            record is not None and record.access_token != self._last_token and record.expires_at > time.time()
        )

    async def _fetch_alone(self, refresh_token: str, deadline: float) -> TokenResponse:
        """Fetch a token while Redis is unavailable. The other replicas get it later."""
        known = self._known if _has_in_lineage(self._known, refresh_token) else None
        latest = known.refresh_token if known else refresh_token
        response = await self._fetch(latest, deadline)
        self._known = _build_record(response, latest, known)
        self._start_storing()
        return replace(response, refresh_token=self._known.refresh_token)

    async def _fetch_and_save(
        self, refresh_token: str, record: _Record | None, deadline: float
    ) -> TokenResponse:
        """Fetch a token with the latest refresh token, and save it for all replicas."""
        latest = record.refresh_token if record else refresh_token
        response = await self._fetch(latest, deadline)
        self._known = _build_record(response, latest, record)
        try:
            await self._save(self._known)
        except RedisUnavailable:
            self._start_storing()
        return replace(response, refresh_token=self._known.refresh_token)

    async def _load(self, refresh_token: str) -> _Record | None:
        """Return the record of the refresh token: that in Redis, or a newer one that this process knows."""
        stored = await self._read()
        if _has_in_lineage(stored, refresh_token) and not _is_newer(self._known, stored):
            self._known = stored
        return self._known if _has_in_lineage(self._known, refresh_token) else None

    async def _read(self) -> _Record | None:
        text = await self._redis.execute(lambda redis: redis.get(self._redis.key("token")))
        try:
            fields: dict[str, Any] = json.loads(text or "{}")
            return _Record(**{**fields, "lineage": tuple(fields["lineage"])})
        except (ValueError, TypeError, KeyError):
            return None  # no record, or a record of another version of this code

    def _start_storing(self) -> None:
        """Store the known record in the background, as soon as Redis takes it."""
        if self._known is not None and (self._storing is None or self._storing.done()):
            # A context of its own: the log fields of the call that found Redis working do not belong to it.
            self._storing = asyncio.create_task(self._store_until_taken(), context=Context())

    async def _store_until_taken(self) -> None:
        while not await self._store_if_newer():  # noqa: ASYNC110 # Redis sends no event
            await asyncio.sleep(STORE_INTERVAL_S)

    async def _store_if_newer(self) -> bool:
        """Store the known record unless Redis has a newer one; return False if it has to be tried again."""
        lock = self._redis.lock("token:lock", timeout_s=LOCK_TIMEOUT_S)
        try:
            if not await self._redis.execute(lambda _: lock.acquire(blocking=False)):
                return False
            try:
                stored = await self._read()
                known = self._known
                if known is not None and (stored is None or _is_newer(known, stored)):
                    await self._save(known)
                    _log.info("shared_token_restored")
            finally:
                await self._redis.release(lock)
        except RedisUnavailable:
            return False
        return True

    async def _save(self, record: _Record) -> None:
        now = time.time()
        ttl_s = max(1, int((record.refresh_token_expires_at or now + DEFAULT_RECORD_TTL_S) - now))
        text = json.dumps(asdict(record))
        await self._redis.execute(lambda redis: redis.set(self._redis.key("token"), text, ex=ttl_s))


def _build_record(response: TokenResponse, refresh_token: str, previous: _Record | None) -> _Record:
    """Return the record of a response to `refresh_token`, which is the latest of the previous record."""
    rotated = response.refresh_token or refresh_token
    lineage = (
        *(previous.lineage if previous else ()),
        _fingerprint(refresh_token),
        _fingerprint(rotated),
    )
    now = time.time()
    return _Record(
        access_token=response.access_token,
        issued_at=now,
        expires_at=now + response.expires_in_s,
        refresh_token=rotated,
        refresh_token_expires_at=response.refresh_token_expires_at
        or (previous.refresh_token_expires_at if previous else None),
        lineage=tuple(dict.fromkeys(lineage))[-MAX_LINEAGE:],
    )


def _has_in_lineage(record: _Record | None, refresh_token: str) -> TypeGuard[_Record]:
    return record is not None and _fingerprint(refresh_token) in record.lineage


def _is_newer(record: _Record | None, other: _Record | None) -> bool:
    """Whether a record descends from the other one; with the same refresh token, whether it is later."""
    if record is None or other is None:
        return False
    if record.refresh_token == other.refresh_token:
        return record.issued_at > other.issued_at
    return other.lineage[-1] in record.lineage


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
