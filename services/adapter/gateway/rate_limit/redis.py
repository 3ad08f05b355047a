"""The rate limiter that all replicas share: limits.lua grants the permits in Redis."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from math import inf
from typing import TYPE_CHECKING

from services.adapter.gateway.metrics import set_rate_limit
from services.adapter.gateway.rate_limit.limiter import APP, RateLimiter, RatePolicy
from services.adapter.gateway.redis_errors import RedisUnavailable

if TYPE_CHECKING:
    from services.adapter.gateway.redis_client import RedisClient

SCRIPT = resources.files("services.adapter.gateway.rate_limit").joinpath("limits.lua").read_text()


class RedisRateLimiter:
    """Grants permits to all replicas, at one rate for the app and one for each operation."""

    def __init__(
        self,
        redis: "RedisClient",
        policy: RatePolicy,
        ceilings: Mapping[str, float],
        fallback: RateLimiter,
    ) -> None:
        """`fallback` grants permits while Redis is unavailable."""
        self._redis = redis
        self._policy = policy
        self._ceilings = ceilings
        self._fallback = fallback
        self._script = redis.script(SCRIPT)
        self._rates: dict[str, float] = {}
        """The latest rate of each scope."""
        self._releases: set[asyncio.Task[None]] = set()

    async def acquire(self, api_id: str, max_wait_s: float) -> float | None:
        """Take a permit from both scopes: the app, and the operation."""
        try:
            wait_s, *rates = await self._run_script("acquire", (APP, api_id), max_wait_s)
        except RedisUnavailable:
            return await self._fallback.acquire(api_id, max_wait_s)
        for scope, rate in zip((APP, api_id), rates, strict=False):  # no rates without a permit
            self._set_rate(scope, rate or inf)
        return None if wait_s < 0 else wait_s

    def get_rate(self, scope: str) -> float:
        """Return the rate that Redis gave with the last permit, or else the ceiling."""
        rate = self._rates.get(scope)
        return self._ceilings.get(scope, inf) if rate is None else rate

    def release(self, api_id: str) -> None:
        """Return the permit to both scopes, in the background."""
        task = asyncio.create_task(self._release(api_id))
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)

    async def on_rate_limited(self, api_id: str, scope: str) -> None:
        """Lower the rate of the scope."""
        try:
            await self._run_script("rate_limited", (scope,))
        except RedisUnavailable:
            await self._fallback.on_rate_limited(api_id, scope)

    async def close(self) -> None:
        """Wait until the permits released in the background have reached Redis, or Redis has failed."""
        if self._releases:
            await asyncio.wait(self._releases)

    async def _release(self, api_id: str) -> None:
        with suppress(RedisUnavailable):  # the cost is one unused permit
            await self._run_script("release", (APP, api_id))

    async def _run_script(
        self, action: str, scopes: tuple[str, ...], max_wait_s: float = 0.0, now: float = 0.0
    ) -> list[float]:
        policy = self._policy
        keys = [self._redis.key(f"limit:{scope}") for scope in scopes]
        arguments: list[str | float] = [
            action,
            now,
            max_wait_s,
            policy.burst_s,
            policy.decrease,
            policy.increase,
            policy.min_rate,
            policy.cooldown_s,
            policy.reset_after_s,
            *(self._ceilings.get(scope, 0) for scope in scopes),
        ]
        result = await self._redis.execute(lambda _: self._script(keys=keys, args=arguments))
        return [float(number) for number in result]

    def _set_rate(self, scope: str, rate: float) -> None:
        if scope not in self._rates:
            set_rate_limit(scope, lambda: self._rates[scope])
        self._rates[scope] = rate
