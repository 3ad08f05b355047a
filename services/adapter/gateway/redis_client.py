"""The Redis that replicas share. No call fails because Redis fails: each replica then works without it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.commands.core import AsyncScript
from redis.exceptions import LockNotOwnedError, MasterDownError, ReadOnlyError, RedisError, ResponseError

from services.adapter.gateway.metrics import record_redis_failure
from services.adapter.gateway.redis_causes import REDIS_URL, find_redis_cause
from services.adapter.gateway.redis_errors import RedisUnavailable
from services.adapter.gateway.redis_url import build_redis
from services.errors import StartupError

TIMEOUT_S = 0.25
"""For one command, including the time to connect."""
PAUSE_S = 5.0
"""After a failure, Redis is not used for this time. Otherwise each call would wait for a timeout."""
MAX_CONNECTIONS = 64
CHECK_TIMEOUT_S = 2.0
"""For the check at the start."""

T = TypeVar("T")
_log = structlog.get_logger()


class RedisClient:
    """One Redis, for the rate limits and the token of one app. Close it at the end."""

    def __init__(self, url: str, app_key: str) -> None:
        """Connections are made when they are needed. Raises ValueError if the URL is invalid."""
        self._redis, self._sentinel = build_redis(url)
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        # The braces put all keys into one hash slot, should a proxy distribute them.
        self._prefix = f"nationalsite:{{{app_key}}}:"
        self._paused_until = 0.0
        self._has_failed = False
        self._recovery_listeners: list[Callable[[], object]] = []

    def key(self, name: str) -> str:
        """Return the key of a name for this app."""
        return self._prefix + name

    def script(self, text: str) -> AsyncScript:
        """Return a Lua script, which Redis loads at its first call."""
        return self._redis.register_script(text)

    def lock(self, name: str, *, timeout_s: float) -> Lock:
        """Return a lock that expires after `timeout_s`. Each holder needs its own lock object."""
        return self._redis.lock(self.key(name), timeout=timeout_s)

    async def release(self, lock: Lock) -> None:
        """Release a lock, if it has not expired. Raises RedisUnavailable."""
        await self.execute(lambda _: _release(lock))

    def on_recovery(self, listener: Callable[[], object]) -> None:
        """Call `listener` when Redis works again after a failure, possibly as a server with older data."""
        self._recovery_listeners.append(listener)

    async def check(self, *, holds_token: bool) -> None:
        """Look at the server once, at the start. Raises StartupError if it can never work.

        `holds_token`: the newest refresh token may exist only in Redis.
        """
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                info = await self._redis.info("everything")
        except (RedisError, OSError) as error:
            # It may be there later; or a rule of Redis does not allow INFO.
            _log.warning("redis_not_checked", cause=find_redis_cause(error), setting=REDIS_URL)
            return
        if info.get("cluster_enabled"):
            raise StartupError(
                [
                    f"{REDIS_URL}: this server is part of a Redis Cluster, which is not supported."
                    " Use a single server, or one with Sentinel (redis+sentinel://)"
                ]
            )
        policy = info.get("maxmemory_policy", "noeviction")
        if holds_token and info.get("maxmemory") and policy != "noeviction":
            _log.warning("redis_may_evict_token", maxmemory_policy=policy, needed="noeviction")
        if info.get("role") == "slave":
            _log.warning("redis_is_read_only", role="replica")

    async def execute(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """Return the result of a command. Raises RedisUnavailable."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise RedisUnavailable
        try:
            async with asyncio.timeout(TIMEOUT_S), self._slots:
                result = await self._execute(command)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            if loop.time() >= self._paused_until:  # only the first of the commands in flight starts a pause
                self._paused_until = loop.time() + PAUSE_S
                record_redis_failure()
                cause = find_redis_cause(error)
                _log.warning("redis_failed", cause=cause, setting=REDIS_URL, pause_s=PAUSE_S)
                await self._forget_server()
            self._has_failed = True
            raise RedisUnavailable from error
        if self._has_failed:
            self._has_failed = False
            for listener in self._recovery_listeners:
                listener()
        return result

    async def find_problem(self, timeout_s: float) -> str:
        """Do what the rate limits and the token need. Return why that fails; empty if it succeeds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._redis.set(self.key("check"), "1", px=1000)
                await self._redis.eval("return redis.call('GET', KEYS[1])", 1, self.key("check"))
        except (RedisError, OSError) as error:
            return f"{find_redis_cause(error)} ({REDIS_URL})"
        return ""

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()
        if self._sentinel is not None:
            await self._sentinel.aclose()

    async def _execute(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        try:
            return await command(self._redis)
        except ResponseError as error:
            if not _is_not_master(error):
                raise
        # After a failover, name or Sentinel lead to another server, and the connections to the old one.
        await self._redis.connection_pool.disconnect(inuse_connections=True)
        return await command(self._redis)

    async def _forget_server(self) -> None:
        """Close idle connections: the next command connects again, possibly to another server."""
        # A connection to a machine that is gone may not close in time, or with an error.
        with suppress(RedisError, OSError):
            async with asyncio.timeout(TIMEOUT_S):
                await self._redis.connection_pool.disconnect(inuse_connections=False)
        if self._sentinel is not None:
            # The first one that is asked may be on the machine that is gone.
            random.shuffle(self._sentinel.sentinels)


async def _release(lock: Lock) -> None:
    with suppress(LockNotOwnedError):  # the lock has expired
        await lock.release()


def _is_not_master(error: ResponseError) -> bool:
    """Whether the server is a replica. Redis 6 has the error of a script's command within its own text."""
    return isinstance(error, ReadOnlyError | MasterDownError) or "READONLY" in str(error)
