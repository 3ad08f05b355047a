"""The way to Redis, which replicas share. It never fails a call: without it each replica goes on alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from services.adapter.gateway.middleware.metrics import note_redis_failure

TIMEOUT_S = 0.25
"""Bound on one command, connecting included."""
PAUSE_S = 5.0
"""How long Redis is left alone after a failure, so that not every call waits for it in vain."""
MAX_CONNECTIONS = 64

T = TypeVar("T")
_log = structlog.get_logger()


class RedisUnavailable(Exception):
    """Redis does not answer, or did not a moment ago."""


class RedisClient:
    """One Redis, for the limits and the token of one app. Close it at the end."""

    def __init__(self, url: str, app_key: str) -> None:
        """Take the URL; connections are made when they are needed."""
        pool = BlockingConnectionPool.from_url(url, max_connections=MAX_CONNECTIONS, timeout=TIMEOUT_S)
        self._redis = Redis.from_pool(pool)
        self._prefix = f"nationalsite:{{{app_key}}}:"  # braces: one slot of a cluster, as scripts need
        self._down_until = 0.0

    def key(self, name: str) -> str:
        """Return a name as a key of this app."""
        return self._prefix + name

    def script(self, text: str) -> AsyncScript:
        """Return a script, which Redis learns when it is first called."""
        return self._redis.register_script(text)

    async def ask(self, question: Callable[[Redis], Awaitable[T]]) -> T:
        """Return what Redis answers. Raises RedisUnavailable."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._down_until:
            raise RedisUnavailable
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await question(self._redis)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            if loop.time() >= self._down_until:  # the first of those that wait
                self._down_until = loop.time() + PAUSE_S
                note_redis_failure()
                _log.warning("redis_failed", error=type(error).__name__, alone_s=PAUSE_S)
            raise RedisUnavailable from error

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()
