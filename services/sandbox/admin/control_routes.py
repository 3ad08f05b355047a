"""The sandbox's own paths, under `/admin/`: faults, the journal, and every switch."""

from collections.abc import Iterable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.schemas.controls import ClockBody, FaultBody, LimitsBody, TokensBody, read_body
from services.sandbox.controls.call_log import MAX_ENTRIES
from services.sandbox.controls.faults import EVERY, Faults
from services.sandbox.http.operation import Operation
from services.sandbox.state import State


class Admin:
    """The handlers of the admin paths."""

    def __init__(self, operations: Iterable[Operation], state: State) -> None:
        self._state = state
        names = {f"{operation.namespace}/{operation.name}": operation.name for operation in operations}
        self._names = names | {name: name for name in names.values()}

    def routes(self) -> list[Route]:
        """Every admin path."""
        return [
            Route("/faults", self.add_faults, methods=["POST"]),
            Route("/faults", self.clear_faults, methods=["DELETE"]),
            Route("/calls", self.calls, methods=["GET"]),
            Route("/calls", self.clear_calls, methods=["DELETE"]),
            Route("/state", self.state, methods=["GET"]),
            Route("/limits", self.put_limits, methods=["PUT"]),
            Route("/tokens", self.put_tokens, methods=["PUT"]),
            Route("/clock", self.put_clock, methods=["PUT"]),
            Route("/codes", self.add_code, methods=["POST"]),
            Route("/reset", self.reset, methods=["POST"]),
        ]

    async def add_faults(self, request: Request) -> Response:
        """Queues a fault for the next calls."""
        body = await read_body(request, FaultBody)
        operation = body.operation if body.operation == EVERY else self._known(body.operation)
        try:
            self._state.faults.add(operation, body.fault, body.times)
        except OverflowError as error:
            raise HTTPException(400, str(error)) from error
        return JSONResponse(self._state.faults.waiting(), 201)

    async def clear_faults(self, request: Request) -> Response:
        """Drops every fault that waits."""
        self._state.faults = Faults()
        return Response(status_code=204)

    async def calls(self, request: Request) -> Response:
        """The latest calls, in the order they came."""
        limit = request.query_params.get("limit", str(MAX_ENTRIES))
        if not limit.isdecimal():
            raise HTTPException(400, "limit: a number is needed")
        entries = self._state.journal.latest(request.query_params.get("operation"), int(limit))
        return JSONResponse({"calls": [entry.described() for entry in entries]})

    async def clear_calls(self, request: Request) -> Response:
        """Forgets the calls."""
        self._state.journal.clear()
        return Response(status_code=204)

    async def state(self, request: Request) -> Response:
        """Every counter and switch."""
        return JSONResponse(self._described(len(request.scope["state"]["connections"])))

    async def put_limits(self, request: Request) -> Response:
        """Replaces the limits."""
        body = await read_body(request, LimitsBody)
        self._state.limits = body.limits(map(self._known, body.declined))
        return Response(status_code=204)

    async def put_tokens(self, request: Request) -> Response:
        """Changes how tokens are granted, or ends the access tokens."""
        body = await read_body(request, TokensBody)
        tokens = self._state.tokens
        if body.expires_in is not None:
            tokens.expires_in_s = body.expires_in
        if body.refresh_token is not None:
            tokens.refresh_answer = body.refresh_token
        if body.revoke_access_tokens:
            tokens.revoke_all()
        return Response(status_code=204)

    async def put_clock(self, request: Request) -> Response:
        """Replaces the setting of the clock."""
        body = await read_body(request, ClockBody)
        clock = self._state.clock
        clock.offset_ms, clock.window_ms = body.offset_ms, body.timestamp_window_ms
        return Response(status_code=204)

    async def add_code(self, request: Request) -> Response:
        """An authorization code, as if a user had agreed in the browser."""
        return JSONResponse({"code": self._state.tokens.new_code()}, 201)

    async def reset(self, request: Request) -> Response:
        """Everything back to the start."""
        self._state.reset()
        return Response(status_code=204)

    def _known(self, name: str) -> str:
        if name not in self._names:
            raise HTTPException(400, f"operation: no API is called {name!r}")
        return self._names[name]

    def _described(self, connections: int) -> dict[str, Any]:
        state = self._state
        limits, traffic = state.limits, state.traffic
        return {
            "calls": state.journal.received,
            "in_flight": traffic.in_flight.total(),
            "peak_in_flight": traffic.peak,
            "connections": connections,
            "operations": {
                name: {"attempts": attempts, "in_flight": traffic.in_flight[name]}
                for name, attempts in sorted(traffic.attempts.items())
            },
            "tokens": {
                "expires_in": state.tokens.expires_in_s,
                "refresh_token": state.tokens.refresh_answer,
                "issued": state.tokens.issued,
                "alive": state.tokens.alive,
            },
            "limits": {
                "app": limits.app and {"calls": limits.app.calls, "window_s": limits.app.window_s},
                "api": limits.api and {"calls": limits.api.calls, "window_s": limits.api.window_s},
                "usage_left": limits.usage_left,
                "declined": sorted(limits.declined),
            },
            "clock": {"timestamp_window_ms": state.clock.window_ms, "offset_ms": state.clock.offset_ms},
            "faults": state.faults.waiting(),
            "uploads": len(state.uploads),
            "accounts": len(state.accounts),
            "orders": state.book.orders,
            "refunds": state.book.refunds,
            "vouchers": len(state.vouchers),
            "messages": state.outbox.counts.made,
            "synced": {"orders": state.synced.orders, "logistics": state.synced.logistics},
        }
