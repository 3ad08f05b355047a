"""The steps of a call: read, log, apply a fault, check, run the operation, respond."""

import base64
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from services.sandbox.context import SandboxContext
from services.sandbox.controls.call_log import CallLogEntry
from services.sandbox.controls.faults import Fault
from services.sandbox.credentials import APP_SECRET
from services.sandbox.http.connection import Connection
from services.sandbox.http.envelopes import INVALID_ARGUMENT_ERRORS, BusinessError, InvalidArgument
from services.sandbox.http.gateway_errors import GatewayRejection, find_gateway_error
from services.sandbox.http.operation import Operation
from services.sandbox.http.request import ApiCall, BodyTooLarge, read_call
from services.sandbox.http.request_checks import RequestChecks, find_operation, is_signature_valid
from services.sandbox.http.responses import HttpResponse, compress, json_response
from services.sandbox.http.signature import sign
from services.sandbox.http.signature_diagnosis import explain_signature

MAX_HANG_S = 600.0
"""A call with the fault `hang` is dropped after this time, even if the client still waits."""
UNKNOWN_OPERATION = "(unknown)"
"""Calls to APIs that do not exist are counted under this name."""

_log = logging.getLogger("services.sandbox")
_NO_FAULT = Fault.model_construct()


class Gateway:
    """The ASGI application behind `/openapi/`."""

    def __init__(self, operations: Mapping[tuple[str, str], Operation], context: SandboxContext) -> None:
        self._operations = operations
        self._context = context
        self._state = context.state
        self._checks = RequestChecks(context.state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        connection = Connection(scope, receive, send)
        request = Request(scope, receive)
        try:
            call = await read_call(request)
        except ClientDisconnect:
            return
        except BodyTooLarge:
            await connection.send(HttpResponse(status=413))
            return
        entry = self._state.call_log.add(call, is_signature_valid(call))
        if entry.signature_valid is False:
            entry.signature_problem = explain_signature(call)
            entry.expected_signature = sign(APP_SECRET, call.string_to_sign)
        self._context.changes.notify()
        name = call.name if (call.namespace, call.name) in self._operations else UNKNOWN_OPERATION
        try:
            with self._state.call_counters.track(name):
                entry.fault = self._state.faults.pop(call.name)
                await self._serve(call, entry, connection, request.headers.get("accept-encoding", ""))
        finally:
            self._context.changes.notify()

    async def _serve(
        self, call: ApiCall, entry: CallLogEntry, connection: Connection, accept_encoding: str
    ) -> None:
        fault = entry.fault or _NO_FAULT
        if fault.latency_ms and await connection.disconnects_within(fault.latency_ms / 1000):
            entry.kind = "client_disconnected"
        elif fault.hang:
            disconnected = await connection.disconnects_within(MAX_HANG_S)
            entry.kind = "client_disconnected" if disconnected else "dropped"
            if not disconnected:
                await connection.close()
        elif fault.drop == "before_request":
            entry.kind = "dropped"
            await connection.close()
        elif response := _build_fault_response(fault):
            entry.kind, entry.status, entry.code = "fault", response.status, fault.gateway_error
            await connection.send(response)
        else:
            if fault.token_expired:
                self._state.tokens.revoke(call.parameters.get("access_token", ""))
            response = await self._respond(call, entry)
            if fault.response_latency_ms and await connection.disconnects_within(
                fault.response_latency_ms / 1000
            ):
                entry.kind, entry.status = "client_disconnected", None
                return
            await _send_with_fault(response, entry, fault, connection, accept_encoding)

    async def _respond(self, call: ApiCall, entry: CallLogEntry) -> HttpResponse:
        """Return the response of the operation, or an error if the call is rejected or the handler fails."""
        try:
            response = await self._check_and_run(call, entry)
        except GatewayRejection as rejection:
            entry.kind, entry.code = "gateway_error", rejection.error.code
            response = json_response(rejection.error.to_json(), rejection.error.status)
        except Exception:
            # A bug of an operation must not end the sandbox. It is not documented which body 1688 sends with
            # status 500.
            _log.exception("operation_failed api=%s", call.api)
            entry.kind, response = "system_error", HttpResponse(status=500)
        entry.status = response.status
        return response

    async def _check_and_run(self, call: ApiCall, entry: CallLogEntry) -> HttpResponse:
        operation = find_operation(self._operations, call)
        self._checks.run(call, operation)
        spec = operation.select_dialect(call.parameters)
        entry.dialect = spec.dialect
        arguments = spec.parse_arguments(call)
        error_fault = entry.fault and entry.fault.business_error
        try:
            if error_fault and not error_fault.after_request:
                raise BusinessError(error_fault.code, error_fault.message)
            response = json_response(
                spec.envelope.wrap_payload(await operation.handler(self._context, arguments))
            )
            if error_fault:
                raise BusinessError(error_fault.code, error_fault.message)
        except InvalidArgument as invalid:
            business_error = BusinessError(*(spec.invalid_argument or INVALID_ARGUMENT_ERRORS[spec.dialect]))
            entry.invalid_argument = str(invalid)
        except BusinessError as error:
            business_error = error
        else:
            entry.kind, entry.executed_at = "responded", datetime.now(UTC)
            return response
        entry.kind, entry.code = "business_error", business_error.code
        return json_response(spec.envelope.wrap_error(business_error), spec.error_status)


def _build_fault_response(fault: Fault) -> HttpResponse | None:
    """Return the response that is sent instead of the operation's; None if the fault has none."""
    if fault.gateway_error is not None:
        error = find_gateway_error(fault.gateway_error)
        return json_response(error.to_json(), error.status) if error else None
    if fault.status is None:
        return None
    text = (
        json.dumps(fault.json_body, ensure_ascii=False)
        if "json_body" in fault.model_fields_set
        else fault.body
    )
    return HttpResponse(
        status=fault.status,
        body=base64.b64decode(fault.body_base64) if fault.body_base64 else (text or "").encode(),
        headers={"Content-Type": fault.content_type, **fault.headers},
    )


async def _send_with_fault(
    response: HttpResponse, entry: CallLogEntry, fault: Fault, connection: Connection, accept_encoding: str
) -> None:
    """Send the response of the operation, unless the fault drops it or cuts it."""
    if fault.drop == "after_request":
        entry.kind, entry.status = "dropped", None
        await connection.close()
    elif fault.truncate is not None:
        entry.kind = "truncated"
        await connection.send_truncated(response, fault.truncate)
    elif fault.malformed:
        entry.kind = "malformed"
        half = response.body[: len(response.body) // 2]
        await connection.send(HttpResponse(status=response.status, headers=response.headers, body=half))
    else:
        await connection.send(compress(response, accept_encoding))
