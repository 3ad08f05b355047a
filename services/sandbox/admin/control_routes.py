"""The controls: faults, variants, the call log, counters, limits, tokens, the clock, and the reset."""

from collections.abc import Iterable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.found import require_found
from services.sandbox.admin.query import parse_number
from services.sandbox.admin.request_body import read_body
from services.sandbox.admin.schemas.controls import (
    ClockBody,
    FaultBody,
    LimitsBody,
    TokensBody,
)
from services.sandbox.context import SandboxContext
from services.sandbox.controls.call_log import MAX_ENTRIES, MAX_TOTAL_CHARACTERS
from services.sandbox.controls.faults import ANY_OPERATION, FaultQueue
from services.sandbox.controls.limits import RateLimit
from services.sandbox.controls.variants import Variants
from services.sandbox.http.operation import Operation


class ControlRoutes:
    """HTTP handlers of the controls."""

    def __init__(self, operations: Iterable[Operation], context: SandboxContext) -> None:
        self._state = context.state
        self._operations = sorted(operations, key=lambda operation: (operation.namespace, operation.name))
        names = {f"{operation.namespace}/{operation.name}": operation.name for operation in self._operations}
        self._names = names | {name: name for name in names.values()}

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/faults", self.add_faults, methods=["POST"]),
            Route("/faults", self.clear_faults, methods=["DELETE"]),
            Route("/variants", self.replace_variants, methods=["PUT"]),
            Route("/calls", self.list_calls, methods=["GET"]),
            Route("/calls", self.clear_calls, methods=["DELETE"]),
            Route("/calls/{sequence:int}", self.get_call, methods=["GET"]),
            Route("/operations", self.list_operations, methods=["GET"]),
            Route("/state", self.get_state, methods=["GET"]),
            Route("/limits", self.replace_limits, methods=["PUT"]),
            Route("/tokens", self.change_tokens, methods=["PUT"]),
            Route("/clock", self.replace_clock, methods=["PUT"]),
            Route("/codes", self.issue_code, methods=["POST"]),
            Route("/reset", self.reset, methods=["POST"]),
        ]

    async def add_faults(self, request: Request) -> Response:
        """Queue a fault for the next calls."""
        body = await read_body(request, FaultBody)
        operation = body.operation if body.operation == ANY_OPERATION else self._resolve(body.operation)
        try:
            self._state.faults.add(operation, body.fault, body.times)
        except OverflowError as error:
            raise HTTPException(400, str(error)) from error
        return JSONResponse(self._state.faults.to_json(), 201)

    async def clear_faults(self, request: Request) -> Response:
        """Remove all queued faults."""
        self._state.faults = FaultQueue()
        return Response(status_code=204)

    async def replace_variants(self, request: Request) -> Response:
        """Replace the variants."""
        self._state.variants = await read_body(request, Variants)
        return Response(status_code=204)

    async def list_calls(self, request: Request) -> Response:
        """Return the latest calls, in the order in which they were received."""
        limit = parse_number(request, "limit", MAX_ENTRIES)
        after = parse_number(request, "after", 0)
        max_characters = parse_number(request, "max_characters", MAX_TOTAL_CHARACTERS)
        entries = self._state.call_log.latest(request.query_params.get("operation"), limit, after)
        return JSONResponse({"calls": [entry.to_json(max_characters) for entry in entries]})

    async def get_call(self, request: Request) -> Response:
        """Return one call."""
        entry = self._state.call_log.find(request.path_params["sequence"])
        return JSONResponse(require_found(entry, "there is no such call in the log").to_json())

    async def list_operations(self, request: Request) -> Response:
        """Return the operations of the sandbox."""
        return JSONResponse(
            {
                "operations": [
                    {"namespace": operation.namespace, "name": operation.name}
                    for operation in self._operations
                ]
            }
        )

    async def clear_calls(self, request: Request) -> Response:
        """Remove all calls from the log."""
        self._state.call_log.clear()
        return Response(status_code=204)

    async def get_state(self, request: Request) -> Response:
        """Return the counters and the controls."""
        return JSONResponse(self._serialize_state(len(request.scope["state"]["connections"])))

    async def replace_limits(self, request: Request) -> Response:
        """Replace the limits."""
        body = await read_body(request, LimitsBody)
        self._state.limits = body.to_limits(map(self._resolve, body.declined))
        return Response(status_code=204)

    async def change_tokens(self, request: Request) -> Response:
        """Change how tokens are issued, or revoke the access tokens."""
        body = await read_body(request, TokensBody)
        tokens = self._state.tokens
        if body.expires_in is not None:
            tokens.expires_in_s = body.expires_in
        if body.refresh_token is not None:
            tokens.refresh_mode = body.refresh_token
        if body.revoke_access_tokens:
            tokens.revoke_all()
        return Response(status_code=204)

    async def replace_clock(self, request: Request) -> Response:
        """Replace the settings of the clock."""
        body = await read_body(request, ClockBody)
        clock = self._state.clock
        clock.offset_ms, clock.timestamp_window_ms = body.offset_ms, body.timestamp_window_ms
        return Response(status_code=204)

    async def issue_code(self, request: Request) -> Response:
        """Return an authorization code, as if a user had granted access in the browser."""
        return JSONResponse({"code": self._state.tokens.issue_code()}, 201)

    async def reset(self, request: Request) -> Response:
        """Return to the initial state."""
        self._state.reset()
        return Response(status_code=204)

    def _resolve(self, name: str) -> str:
        """Return the name of an operation without its namespace."""
        if name not in self._names:
            raise HTTPException(400, f"operation: no API is called {name!r}")
        return self._names[name]

    def _serialize_state(self, connections: int) -> dict[str, Any]:
        state = self._state
        limits, counters = state.limits, state.call_counters
        return {
            "calls": state.call_log.received,
            "in_flight": counters.in_flight.total(),
            "peak_in_flight": counters.peak_in_flight,
            "connections": connections,
            "operations": {
                name: {"attempts": attempts, "in_flight": counters.in_flight[name]}
                for name, attempts in sorted(counters.attempts.items())
            },
            "tokens": {
                "expires_in": state.tokens.expires_in_s,
                "refresh_token": state.tokens.refresh_mode,
                "issued": state.tokens.issued,
                "valid": state.tokens.valid,
            },
            "limits": {
                "app": _serialize_rate_limit(limits.app),
                "api": _serialize_rate_limit(limits.api),
                "usage_left": limits.usage_left,
                "declined": sorted(limits.declined),
            },
            "clock": {
                "timestamp_window_ms": state.clock.timestamp_window_ms,
                "offset_ms": state.clock.offset_ms,
            },
            "faults": state.faults.to_json(),
            "variants": state.variants.model_dump()
            | {"web_checkout_offers": sorted(state.variants.web_checkout_offers)},
            "uploaded_images": len(state.uploaded_images),
            "accounts": len(state.accounts),
            "orders": state.order_store.order_count,
            "refunds": state.order_store.refund_count,
            "vouchers": len(state.vouchers),
            "messages": state.outbox.counts.created,
            "synced": {"orders": state.synced.order_count, "logistics": state.synced.logistics_count},
        }


def _serialize_rate_limit(limit: RateLimit | None) -> dict[str, float] | None:
    return None if limit is None else {"calls": limit.calls, "window_s": limit.window_s}
