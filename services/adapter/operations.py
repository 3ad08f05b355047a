"""Calls 1688's operations by RPC: encodes the request, calls the gateway, decodes the response."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import structlog
from google.protobuf.message import Message
from prometheus_client import Counter

from services.adapter.cache import Cache
from services.adapter.codec import DecodeResult, Operation, Parameters, SchemaError
from services.adapter.gateway import GatewayClient
from services.adapter.redaction import redact, redact_code, sensitive_values
from services.errors import (
    DeadlineExceeded,
    NationalsiteError,
    OperationNotInDialect,
    OutcomeUnknown,
    UpstreamError,
    UpstreamRefused,
)
from services.handler import Handler, get_local_fields

MAX_CONCURRENCY = 4
"""Maximum number of calls in flight of all batches. In practice, eight reached 1688's rate limit."""
RESPONSE_MARGIN_S = 0.25
"""A batch ends this long before its deadline, so that its results reach the caller in time."""

Endpoint = TypeVar("Endpoint")

_dropped_fields = Counter(
    "nationalsite_fields_dropped",
    "Request fields that were set and not sent, since the dialect has no parameter for them.",
    ("rpc", "field"),
)
_unreadable_fields = Counter(
    "nationalsite_fields_unreadable",
    "Response fields left unset because 1688's value could not be read.",
    ("rpc", "field"),
)
_log = structlog.get_logger()


class OperationClient:
    """The compiled operations of one service, and the gateway that they call."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        gateway: GatewayClient,
        *,
        non_idempotent: Collection[str] = (),
        internal: Collection[str] = (),
        cache: Cache | None = None,
    ) -> None:
        """`non_idempotent` names RPCs that are not retried, whatever their protos say.

        `internal` names RPCs that the project calls itself and serves to no caller.
        """
        self._operations = operations
        self._gateway = gateway
        self._non_idempotent = frozenset(non_idempotent)
        self._internal = frozenset(internal)
        self._cache = cache
        self._batch_slots = asyncio.Semaphore(MAX_CONCURRENCY)

    def __getitem__(self, rpc: str) -> Operation:
        """Return an operation by the name of its RPC."""
        return self._operations[rpc]

    async def call(self, rpc: str, request: Message, deadline: float) -> bytes:
        """Call the operation of an RPC until `deadline` (loop time); return the serialized response.

        A response to a read may come from the cache. Raises the errors of services/errors.py, with 1688's
        text redacted. If the call is not idempotent, an error
        after which 1688 may have executed it is OutcomeUnknown.
        """
        operation = self._supported(rpc)
        if self._cache is None or not self._cache.is_cacheable(rpc):
            return await self._call_upstream(operation, request, deadline)
        fetch = partial(self._call_upstream, operation, request)
        return await self._cache.get_or_fetch(rpc, operation.dialect, request, fetch, deadline)

    async def _call_upstream(self, operation: Operation, request: Message, deadline: float) -> bytes:
        (parameters,) = operation.encode(request)
        may_retry = self._is_idempotent(operation)
        result = await self._invoke(operation, parameters, request, deadline, caller_may_retry=may_retry)
        return result.response

    async def call_batch(
        self, rpc: str, request: Message, deadline: float
    ) -> tuple[NationalsiteError | None, ...]:
        """Make all calls of a request, a few at a time; return the error of each, None for a success.

        An error of one call does not stop the others. An error after which 1688 may have executed a call is
        OutcomeUnknown. Raises RequestError before anything is sent, and the first error if no call
        reached the operation.
        """
        operation = self._supported(rpc)
        calls = operation.encode(request)
        remaining_s = deadline - asyncio.get_running_loop().time()
        batch_deadline = deadline - min(RESPONSE_MARGIN_S, remaining_s / 10)

        async def call_one(parameters: Parameters) -> NationalsiteError | None:
            try:
                async with self._batch_slot(batch_deadline):
                    await self._invoke(operation, parameters, request, batch_deadline, caller_may_retry=False)
            except NationalsiteError as error:
                return error
            return None

        if len(calls) == 1:  # in the caller's own context, so that its log line has the bound values
            errors: tuple[NationalsiteError | None, ...] = (await call_one(calls[0]),)
        else:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(call_one(parameters)) for parameters in calls]
            errors = tuple(task.result() for task in tasks)
            _bind_batch_errors(errors)
        first = errors[0]
        if first is not None and not any(map(_reached_operation, errors)):
            raise first
        return errors

    @asynccontextmanager
    async def _batch_slot(self, deadline: float) -> AsyncIterator[None]:
        """Wait for a slot among the calls of batches. Raises DeadlineExceeded."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._batch_slots.acquire()
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed before the call was sent") from None
        try:
            yield
        finally:
            self._batch_slots.release()

    async def _invoke(
        self,
        operation: Operation,
        parameters: Parameters,
        request: Message,
        deadline: float,
        *,
        caller_may_retry: bool,
    ) -> DecodeResult:
        """Make one call of the gateway, and decode the response.

        If the caller must not retry, an error after which 1688 may have executed the call is
        OutcomeUnknown.
        """
        for field in parameters.dropped_fields:
            _dropped_fields.labels(operation.rpc, field).inc()
        request_id = ""
        try:
            response = await self._gateway.call(
                operation.api_id,
                parameters.form,
                files=parameters.files,
                parse=lambda body: operation.parse(body, request),
                anonymous=operation.anonymous,
                idempotent=self._is_idempotent(operation),
                deadline=deadline,
            )
            request_id = response.request_id
            result = operation.decode(response.value, request)
        except NationalsiteError as error:
            if isinstance(error, UpstreamError):
                self._redact_error(error, request, request_id)
            if error.may_have_executed and not caller_may_retry:
                raise _to_outcome_unknown(error) from error
            raise
        if result.unreadable:
            _report_unreadable_fields(operation.rpc, result.unreadable)
        return result

    def _supported(self, rpc: str) -> Operation:
        operation = self[rpc]
        if not operation.api_id:
            raise OperationNotInDialect(f"1688 has no such operation in {operation.dialect}")
        return operation

    def _is_idempotent(self, operation: Operation) -> bool:
        """Whether a call may be sent again after 1688 may have executed it."""
        return operation.is_idempotent and operation.rpc not in self._non_idempotent

    def _redact_error(self, error: UpstreamError, request: Message, request_id: str) -> None:
        """Redact 1688's code and text, add the request id, and bind code and id to the log line."""
        sensitive = (*self._gateway.secrets(), *sensitive_values(request))
        error.code, error.upstream_message = (
            redact(error.code, sensitive),
            redact(error.upstream_message, sensitive),
        )
        error.request_id = error.request_id or request_id
        structlog.contextvars.bind_contextvars(
            upstream_code=redact_code(error.code), upstream_request_id=redact_code(error.request_id)
        )

    def build_endpoints(
        self,
        build_endpoint: Callable[[Handler, str], Endpoint],
        handlers: Mapping[str, Handler],
        *,
        local_fields: Collection[str] = (),
    ) -> dict[str, Endpoint]:
        """Return the endpoint of each RPC, with the service's handler, or with one that calls 1688.

        `build_endpoint` gets the handler, and the name of the operation for error details: 1688's id, or the
        RPC's name. `local_fields` are request fields that interceptors use, such as `request_id`: they are
        not sent to 1688. Raises SchemaError if a local RPC has no handler, a handler has no RPC, or nothing
        uses a local request field.
        """
        served = {rpc: operation for rpc, operation in self._operations.items() if rpc not in self._internal}
        problems = [f"{rpc}: no such RPC for this handler" for rpc in sorted(handlers.keys() - served.keys())]
        problems += [
            f"{rpc}: is not an operation of 1688, and the service has no handler for it"
            for rpc, operation in served.items()
            if operation.local and rpc not in handlers
        ]
        problems += [
            f"{rpc}: nothing uses the local request field {field}"
            for rpc, operation in served.items()
            for field in sorted(
                operation.local_fields - get_local_fields(handlers.get(rpc)) - frozenset(local_fields)
            )
        ]
        if problems:
            raise SchemaError(*problems)
        return {
            rpc: build_endpoint(handlers.get(rpc) or partial(self.call, rpc), operation.api_id or rpc)
            for rpc, operation in served.items()
        }

    def check_request(self, rpc: str, request: Message) -> None:
        """Raise RequestError if the request cannot be sent."""
        self[rpc].encode(request)

    def decode_response(self, rpc: str, body: bytes) -> bytes:
        """Return the serialized response for the body of a response, as if 1688 had sent it."""
        operation = self[rpc]
        request = operation.request()
        return operation.decode(operation.parse(body, request), request).response


def _to_outcome_unknown(error: NationalsiteError) -> OutcomeUnknown:
    message = f"{error}; it is not known whether 1688 executed the call"
    if not isinstance(error, UpstreamError):
        return OutcomeUnknown(message)
    return OutcomeUnknown(
        message, code=error.code, upstream_message=error.upstream_message, request_id=error.request_id
    )


def _report_unreadable_fields(rpc: str, fields: Sequence[str]) -> None:
    for field in fields:
        _unreadable_fields.labels(rpc, field).inc()
    _log.warning("unreadable_fields", rpc=rpc, fields=sorted(set(fields)))


def _bind_batch_errors(errors: Sequence[NationalsiteError | None]) -> None:
    """Bind to the log line how many calls failed, and 1688's code and id of the first of its errors."""
    failed = [error for error in errors if error is not None]
    fields: dict[str, object] = {"elements": len(errors), "elements_failed": len(failed)}
    first = next((error for error in failed if isinstance(error, UpstreamError)), None)
    if first is not None:
        fields |= {"upstream_code": first.code, "upstream_request_id": first.request_id}
    structlog.contextvars.bind_contextvars(**fields)


def _reached_operation(error: NationalsiteError | None) -> bool:
    """Whether a call with this result may have reached 1688's operation."""
    return error is None or error.may_have_executed or isinstance(error, UpstreamRefused)
