"""1688's gateway for the syncs of orders: a test decides when, and whether, it executes each request."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

TIMEOUT_S = 20
ACCEPTED = {"result": {"success": True, "code": "200", "message": "OK"}}
REJECTED = {"result": {"success": False, "code": "500", "message": "no"}}


class Arrival:
    """A request that waits for the decision of the test."""

    def __init__(self, upstream: "Upstream", content: dict[str, Any]) -> None:
        self._upstream = upstream
        self.content = content
        """The order or logistics order, as 1688 gets it."""
        self._decision: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def accept(self) -> None:
        """Execute the request, and respond."""
        self._upstream.execute(self.content)
        self._upstream.accepted.append(self.content)
        self._decision.set_result("accept")

    def execute(self) -> None:
        """Execute the request without a response yet."""
        self._upstream.execute(self.content)

    def reject(self) -> None:
        """Respond that nothing was executed."""
        self._decision.set_result("reject")

    def drop(self) -> None:
        """Close the connection without a response."""
        self._decision.set_result("drop")

    async def decision(self) -> str:
        return await self._decision


class Upstream:
    """The orders that were executed, and the requests that wait."""

    def __init__(self) -> None:
        self.url = ""
        self.orders: dict[str, dict[str, Any]] = {}
        """By the id of the order or logistics order: what was executed last."""
        self.accepted: list[dict[str, Any]] = []
        """Everything that was executed and responded to, in sequence."""
        self.in_flight = self.max_in_flight = 0
        self._arrivals: asyncio.Queue[Arrival] = asyncio.Queue()

    @property
    def is_idle(self) -> bool:
        """Whether no request waits for a decision."""
        return self._arrivals.empty() and self.in_flight == 0

    async def arrival(self) -> Arrival:
        """Wait for the next request."""
        return await asyncio.wait_for(self._arrivals.get(), TIMEOUT_S)

    async def accept_next(self) -> dict[str, Any]:
        """Execute the next request, and respond. Return its content."""
        arrival = await self.arrival()
        arrival.accept()
        return arrival.content

    def execute(self, content: dict[str, Any]) -> None:
        self.orders[content.get("logisticsId") or content["orderId"]] = content

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        (text,) = (form[name] for name in ("orderParam", "orderLogisticsParam") if name in form)
        arrival = Arrival(self, json.loads(str(text)))
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            self._arrivals.put_nowait(arrival)
            decision = await arrival.decision()
        finally:
            self.in_flight -= 1
        if decision == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(REJECTED if decision == "reject" else ACCEPTED)


@asynccontextmanager
async def controlled_upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    app = web.Application()
    app.router.add_post("/openapi/{path:.*}", upstream.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield upstream
    finally:
        await runner.cleanup()
