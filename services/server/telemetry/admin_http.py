"""Metrics and probes: the HTTP routes for operators."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from services.server.http.messages import HttpHandler, HttpRequest, HttpResponse, router

_tasks = Gauge(
    "nationalsite_tasks",
    "Tasks of the event loop, including the scrape's own. Growth while the process is idle is a leak.",
)


def admin_handler(is_ready: Callable[[], Awaitable[bool]]) -> HttpHandler:
    """Return what serves `/metrics` and the probes.

    `/livez` is 200 while the loop runs; `/readyz` is 200 while the service is ready, else 503.
    """

    async def metrics(_: HttpRequest) -> HttpResponse:
        _tasks.set(len(asyncio.all_tasks()))
        return HttpResponse(body=generate_latest(), content_type=CONTENT_TYPE_LATEST)

    async def livez(_: HttpRequest) -> HttpResponse:
        return HttpResponse(body="alive\n")

    async def readyz(_: HttpRequest) -> HttpResponse:
        ready = await is_ready()
        return HttpResponse(body="ready\n" if ready else "not ready\n", status=200 if ready else 503)

    return router({("GET", "/metrics"): metrics, ("GET", "/livez"): livez, ("GET", "/readyz"): readyz})
