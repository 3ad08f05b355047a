"""The Redis that replicas share. No call fails because Redis fails: each replica then works without it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.lock import Lock
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from services.adapter.gateway.metrics import record_redis_failure
from services.adapter.gateway.redis_causes import SETTING, find_redis_cause

TIMEOUT_S = 0.25
"""For one command, including the time to connect."""
PAUSE_S = 5.0
"""After a failure, Redis is not used for this time. Otherwise each call would wait for a timeout."""
MAX_CONNECTIONS = 64

T = TypeVar("T")
_log = structlog.get_logger()


class RedisUnavailable(Exception):
    """Redis failed now, or less than PAUSE_S ago."""


class RedisClient:
    """One Redis, for the rate limits and the token of one app. Close it at the end."""

    def __init__(self, url: str, app_key: str) -> None:
        """Connections are made when they are needed."""
        pool = BlockingConnectionPool.from_url(url, max_connections=MAX_CONNECTIONS, timeout=TIMEOUT_S)
        self._redis = Redis.from_pool(pool)
        # The braces put all keys into one hash slot of a Redis Cluster, as scripts require.
        self._prefix = f"nationalsite:{{{app_key}}}:"
        self._paused_until = 0.0

    def key(self, name: str) -> str:
        """Return the key of a name for this app."""
        return self._prefix + name

    def script(self, text: str) -> AsyncScript:
        """Return a Lua script, which Redis loads at its first call."""
        return self._redis.register_script(text)

    def lock(self, name: str, *, timeout_s: float) -> Lock:
        """Return a lock that expires after `timeout_s`. Each holder needs its own lock object."""
        return self._redis.lock(self.key(name), timeout=timeout_s)

    async def execute(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """Return the result of a command. Raises RedisUnavailable."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise RedisUnavailable
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await command(self._redis)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            if loop.time() >= self._paused_until:  # only the first of the commands in flight starts a pause
                self._paused_until = loop.time() + PAUSE_S
                record_redis_failure()
                cause = find_redis_cause(error)
                _log.warning("redis_failed", cause=cause, setting=SETTING, pause_s=PAUSE_S)
            raise RedisUnavailable from error

    async def find_problem(self, timeout_s: float) -> str:
        """Do what the rate limits and the token need. Return why that fails; empty if it succeeds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._redis.set(self.key("check"), "1", px=1000)
                await self._redis.eval("return redis.call('GET', KEYS[1])", 1, self.key("check"))
        except (RedisError, OSError) as error:
            return f"{find_redis_cause(error)} ({SETTING})"
        return ""

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()
