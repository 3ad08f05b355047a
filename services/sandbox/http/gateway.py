"""The way of a call: read, journal, fault, checks, operation, answer."""

import json
import logging
from collections.abc import Iterable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from services.sandbox.controls.call_log import Entry
from services.sandbox.controls.faults import Fault
from services.sandbox.http.connection import Connection
from services.sandbox.http.envelopes import BAD_ARGUMENT, BadArgument, Refused
from services.sandbox.http.gateway_errors import GatewayRefusal, find_error
from services.sandbox.http.operation import Arguments, Operation, Shape
from services.sandbox.http.request import BodyTooLarge, Call, read_call
from services.sandbox.http.request_checks import Checks, find_operation, signature_is_valid
from services.sandbox.http.responses import Reply, compressed, json_reply
from services.sandbox.state import State

HANG_S = 600.0
"""However patient the client, a call that hangs is dropped after this long."""
UNKNOWN = "(unknown)"
"""Under this name calls to APIs that do not exist are counted."""

_log = logging.getLogger("services.sandbox")
_NO_FAULT = Fault.model_construct()


class Gateway:
    """The ASGI application behind `/openapi/`."""

    def __init__(self, operations: Iterable[Operation], state: State) -> None:
        self._operations: Mapping[tuple[str, str], Operation] = {
            (operation.namespace, operation.name): operation for operation in operations
        }
        self._state = state
        self._checks = Checks(state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        connection = Connection(scope, receive, send)
        request = Request(scope, receive)
        try:
            call = await read_call(request)
        except ClientDisconnect:
            return
        except BodyTooLarge:
            await connection.send(Reply(status=413))
            return
        entry = self._state.journal.record(call, signature_is_valid(call))
        name = call.name if (call.namespace, call.name) in self._operations else UNKNOWN
        with self._state.traffic.running(name):
            fault = entry.fault = self._state.faults.take(call.name)
            await self._serve(
                call, entry, fault or _NO_FAULT, connection, request.headers.get("accept-encoding", "")
            )

    async def _serve(
        self, call: Call, entry: Entry, fault: Fault, connection: Connection, accept_encoding: str
    ) -> None:
        if fault.latency_ms and await connection.is_gone_within(fault.latency_ms / 1000):
            entry.kind = "client_gone"
        elif fault.hang:
            gone = await connection.is_gone_within(HANG_S)
            entry.kind = "client_gone" if gone else "dropped"
            if not gone:
                await connection.close()
        elif fault.drop == "before_request":
            entry.kind = "dropped"
            await connection.close()
        elif reply := _made_reply(fault):
            entry.kind, entry.status, entry.code = "fault", reply.status, fault.gateway_error
            await connection.send(reply)
        else:
            if fault.token_expired:
                self._state.tokens.revoke(call.parameters.get("access_token", ""))
            reply = await self._reply(call, entry)
            await _deliver(reply, entry, fault, connection, accept_encoding)

    async def _reply(self, call: Call, entry: Entry) -> Reply:
        """The answer of the operation, or the refusal that stands in its place."""
        try:
            operation = find_operation(self._operations, call)
            self._checks.run(call, operation)
            shape = operation.shape_of(call.parameters)
            entry.dialect = shape.dialect
            reply = await _run(operation, shape, operation.arguments(shape, call), entry)
        except GatewayRefusal as refusal:
            entry.kind, entry.code = "gateway_error", refusal.error.code
            reply = json_reply(refusal.error.body(), refusal.error.status)
        except Exception:
            # The platform's own faults are bare: no body of one is on record.
            _log.exception("%s failed", call.api)
            entry.kind, reply = "system_error", Reply(status=500)
        entry.status = reply.status
        return reply


async def _run(operation: Operation, shape: Shape, arguments: Arguments, entry: Entry) -> Reply:
    try:
        reply = json_reply(shape.envelope.accept(await operation.handler(arguments)))
    except BadArgument as bad:
        refused = Refused(*(shape.bad_argument or BAD_ARGUMENT[shape.dialect]))
        entry.bad_argument = str(bad)
    except Refused as refusal:
        refused = refusal
    else:
        entry.kind = "answered"
        return reply
    entry.kind, entry.code = "refused", refused.code
    return json_reply(shape.envelope.refuse(refused), shape.refusal_status)


def _made_reply(fault: Fault) -> Reply | None:
    """The answer that a fault brings itself."""
    if fault.gateway_error is not None:
        error = find_error(fault.gateway_error)
        return json_reply(error.body(), error.status) if error else None
    if fault.status is None:
        return None
    text = (
        json.dumps(fault.json_body, ensure_ascii=False)
        if "json_body" in fault.model_fields_set
        else fault.body
    )
    return Reply(
        status=fault.status,
        body=(text or "").encode(),
        headers={"Content-Type": fault.content_type, **fault.headers},
    )


async def _deliver(
    reply: Reply, entry: Entry, fault: Fault, connection: Connection, accept_encoding: str
) -> None:
    """Sends what the operation answered, or what the fault leaves of it."""
    if fault.drop == "after_request":
        entry.kind, entry.status = "dropped", None
        await connection.close()
    elif fault.truncate is not None:
        entry.kind = "truncated"
        await connection.send_part(reply, fault.truncate)
    elif fault.malformed:
        entry.kind = "malformed"
        await connection.send(
            Reply(status=reply.status, headers=reply.headers, body=reply.body[: len(reply.body) // 2])
        )
    else:
        await connection.send(compressed(reply, accept_encoding))
