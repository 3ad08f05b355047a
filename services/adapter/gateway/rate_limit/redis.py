"""Turns at 1688 that all replicas share: limits.lua hands them out; this process does while Redis is away."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from math import inf

from services.adapter.gateway.middleware.metrics import show_rate
from services.adapter.gateway.rate_limit.adaptive_rate import RatePolicy
from services.adapter.gateway.rate_limit.local import APP, RateLimiter
from services.adapter.gateway.redis_client import RedisClient, RedisUnavailable

SCRIPT = resources.files("services.adapter.gateway.rate_limit").joinpath("limits.lua").read_text()


class RedisRateLimiter:
    """Turns of all replicas."""

    def __init__(
        self, link: RedisClient, policy: RatePolicy, ceilings: Mapping[str, float], alone: RateLimiter
    ) -> None:
        """`alone` hands out turns while Redis is away."""
        self._link = link
        self._policy = policy
        self._ceilings = ceilings
        self._alone = alone
        self._script = link.script(SCRIPT)
        self._rates: dict[str, float] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, api: str, left_s: float) -> float | None:
        """Return how long to wait for a turn of both scopes."""
        try:
            wait_s, *rates = await self._ask("take", (APP, api), left_s)
        except RedisUnavailable:
            return await self._alone.take(api, left_s)
        for scope, rate in zip((APP, api), rates, strict=False):  # no rates where there is no turn
            self._show(scope, rate or inf)
        return None if wait_s < 0 else wait_s

    def give_back(self, api: str) -> None:
        """Take back a turn of both scopes; nobody waits until Redis knows."""
        task = asyncio.create_task(self._given_back(api))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def refused(self, api: str, scope: str) -> None:
        """Lower the rate of the scope."""
        try:
            await self._ask("refused", (scope,))
        except RedisUnavailable:
            await self._alone.refused(api, scope)

    async def close(self) -> None:
        """Let what is under way reach Redis, as far as it answers."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _given_back(self, api: str) -> None:
        with suppress(RedisUnavailable):  # a lost turn costs no more than itself
            await self._ask("give_back", (APP, api))

    async def _ask(
        self, what: str, scopes: tuple[str, ...], left_s: float = 0.0, now: float = 0.0
    ) -> list[float]:
        policy = self._policy
        keys = [self._link.key(f"limit:{scope}") for scope in scopes]
        arguments: list[str | float] = [
            what,
            now,
            left_s,
            policy.burst_s,
            policy.decrease,
            policy.increase,
            policy.least,
            policy.settle_s,
            policy.calm_s,
            *(self._ceilings.get(scope, 0) for scope in scopes),
        ]
        answer = await self._link.ask(lambda _: self._script(keys=keys, args=arguments))
        return [float(each) for each in answer]

    def _show(self, scope: str, rate: float) -> None:
        if scope not in self._rates:
            show_rate(scope, lambda: self._rates[scope])
        self._rates[scope] = rate
