"""Metrics and probes: the HTTP routes for operators."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

_tasks = Gauge(
    "nationalsite_tasks",
    "Tasks of the event loop, including the scrape's own. Growth while the process is idle is a leak.",
)


def admin_routes(is_ready: Callable[[], Awaitable[bool]]) -> list[web.RouteDef]:
    """Return `/metrics`, `/livez` (200 while the loop runs) and `/readyz` (200 while ready, else 503)."""

    async def metrics(_: web.Request) -> web.Response:
        _tasks.set(len(asyncio.all_tasks()))
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        ready = await is_ready()
        return web.Response(text="ready\n" if ready else "not ready\n", status=200 if ready else 503)

    return [web.get("/metrics", metrics), web.get("/livez", livez), web.get("/readyz", readyz)]
