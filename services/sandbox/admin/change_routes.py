"""Live updates: a request that waits until something has changed (long polling)."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.sandbox.admin.query import parse_number
from services.sandbox.context import SandboxContext
from services.sandbox.controls.changes import Changes

MAX_WAIT_MS = 30_000
MAX_WAITING = 100
"""Requests that may wait at the same time."""


class ChangeRoutes:
    """HTTP handler of changes."""

    def __init__(self, context: SandboxContext) -> None:
        self._changes = context.changes
        self._waiting = 0

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/changes", self.wait_for_change, methods=["GET"])]

    async def wait_for_change(self, request: Request) -> Response:
        """Return the revision as soon as it is not `seen`, or after `timeout_ms`."""
        seen = parse_number(request, "seen", 0)
        timeout_ms = min(parse_number(request, "timeout_ms", MAX_WAIT_MS), MAX_WAIT_MS)
        if self._waiting >= MAX_WAITING:
            raise HTTPException(503, f"{MAX_WAITING} requests are waiting already")
        self._waiting += 1
        try:
            await _wait(self._changes, seen, timeout_ms / 1000, request)
        finally:
            self._waiting -= 1
        return JSONResponse({"revision": self._changes.revision})


class NotifyAfterWrites:
    """ASGI middleware: a request that may have written is a change."""

    def __init__(self, app: ASGIApp, changes: Changes) -> None:
        self._app = app
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        await self._app(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            self._changes.notify()


async def _wait(changes: Changes, seen: int, timeout_s: float, request: Request) -> None:
    """Wait for a change or a timeout, but no longer than the client waits."""
    tasks = [asyncio.create_task(changes.wait(seen)), asyncio.create_task(_wait_for_disconnect(request))]
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
