"""Calls 1688's operations by RPC: encodes the request, calls the gateway, decodes the response."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import structlog
from google.protobuf.message import Message
from prometheus_client import Counter

from services.adapter.cache import Cache
from services.adapter.codec import (
    DecodeResult,
    Json,
    Operation,
    Parameters,
    SchemaError,
    has_more_values,
)
from services.adapter.drift import DriftMonitor
from services.adapter.gateway import Availability, GatewayClient, record_shed
from services.adapter.sensitive_values import sensitive_values
from services.caller import current_queue_owner
from services.errors import (
    DeadlineExceeded,
    ErrorOrigin,
    NationalsiteError,
    OperationNotInDialect,
    OutcomeUnknown,
    Overloaded,
    UpstreamError,
    UpstreamRefused,
)
from services.fair_queue import FairSlots, QueueFull
from services.handler import DialectReport, DialectReporter, Handler, get_local_fields
from services.log_fields import bind_log_fields
from services.redaction import redact, redact_code

MAX_CONCURRENCY = 4
"""Maximum number of calls in flight, all batches together. In practice, eight reached 1688's rate limit."""
MAX_WAITING = 4096
"""Maximum number of calls of batches that wait for the others. A request has at most 100 elements."""
BATCHES = ("batches",)
"""The owner of the calls of batches, once they have a slot, in the queues of the gateway client.

They are not owned by their callers there: a call that waited behind other calls of its caller would keep a
slot from the batches of all callers."""
MAX_VALUES_ON_LOOP = 10_000
"""Of a response that the tolerant decoder reads on the event loop: some 30 ms. Larger ones get a thread."""
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


class _OriginSetter:
    """Sets the origin of an error that is raised within the context. It can be entered several times."""

    def __init__(self, origin: ErrorOrigin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: object, _traceback: object) -> None:
        if isinstance(error, NationalsiteError):
            error.origin = self._origin


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
        drift_monitor: DriftMonitor | None = None,
    ) -> None:
        """`non_idempotent` names RPCs that are not retried, even if their protos declare them idempotent.

        `internal` names RPCs that only this project calls; callers cannot.
        """
        self._operations = operations
        self._origin_setters = {rpc: _OriginSetter(operation.origin) for rpc, operation in operations.items()}
        self._gateway = gateway
        self._idempotent = frozenset(
            rpc
            for rpc, operation in operations.items()
            if operation.is_idempotent and rpc not in non_idempotent
        )
        """RPCs whose calls may be sent again after 1688 may have executed them."""
        self._internal = frozenset(internal)
        self._cache = cache
        self._drift_monitor = drift_monitor or DriftMonitor(sample_interval=0)
        self._batch_slots = FairSlots(MAX_CONCURRENCY, max_waiting=MAX_WAITING)
        self._decoding = asyncio.Lock()

    def __getitem__(self, rpc: str) -> Operation:
        """Return an operation by the name of its RPC."""
        return self._operations[rpc]

    def get_availability(self, rpc: str) -> Availability:
        """Return how many calls the circuit breaker of an RPC's operation lets pass at the same time."""
        operation = self[rpc]
        return self._gateway.get_availability(operation.api_id) if operation.api_id else Availability()

    async def call(self, rpc: str, request: Message, deadline: float) -> bytes:
        """Call the operation of an RPC until `deadline` (loop time); return the serialized response.

        A response to a read may come from the cache. Raises the errors of services/errors.py, with 1688's
        text redacted. For an operation that is not idempotent, it raises OutcomeUnknown if 1688 may have
        executed the call.
        """
        with self._origin_setters[rpc]:
            operation = self._get_supported(rpc)
            if self._cache is None or not self._cache.is_cacheable(rpc):
                return await self._call_upstream(operation, request, deadline)
            fetch = partial(self._call_upstream, operation, request)
            return await self._cache.get_or_fetch(rpc, operation.dialect, request, fetch, deadline)

    async def call_partial(
        self, rpc: str, request: Message, deadline: float
    ) -> tuple[bytes, NationalsiteError | None]:
        """Call an operation whose responses may be partial; return the serialized response.

        If 1688 rejected the request and still returned content, return the error too, which `call` raises.
        """
        with self._origin_setters[rpc]:
            return await self._call_once(self._get_supported(rpc), request, deadline)

    async def _call_upstream(self, operation: Operation, request: Message, deadline: float) -> bytes:
        response, rejection = await self._call_once(operation, request, deadline)
        if rejection is not None:
            raise rejection
        return response

    async def _call_once(
        self, operation: Operation, request: Message, deadline: float
    ) -> tuple[bytes, NationalsiteError | None]:
        (parameters,) = operation.encode(request)
        _count_dropped_fields(operation, request)
        return await self._invoke(
            operation,
            parameters,
            request,
            deadline,
            caller_may_retry=operation.rpc in self._idempotent,
            queue_owner=current_queue_owner(),
        )

    async def call_batch(
        self, rpc: str, request: Message, deadline: float
    ) -> tuple[NationalsiteError | None, ...]:
        """Make one call for each element of a fan-out request; return each call's error, None for a success.

        An error of one call does not stop the others. The error is OutcomeUnknown if 1688 may have executed
        the call. Raises RequestError before anything is sent, and the first error if no call reached the
        operation.
        """
        operation = self._get_supported(rpc)
        calls = operation.encode(request)
        _count_dropped_fields(operation, request)
        remaining_s = deadline - asyncio.get_running_loop().time()
        batch_deadline = deadline - min(RESPONSE_MARGIN_S, remaining_s / 10)

        async def call_one(parameters: Parameters) -> NationalsiteError | None:
            try:
                async with self._batch_slot(batch_deadline):
                    await self._invoke(
                        operation,
                        parameters,
                        request,
                        batch_deadline,
                        caller_may_retry=False,
                        queue_owner=BATCHES,
                    )
            except NationalsiteError as error:
                return error
            return None

        if len(calls) == 1:  # without a task, so that the log fields that it binds are in the RPC's log line
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
        """Wait for a slot for a call of a batch; callers take turns. Raises DeadlineExceeded, Overloaded."""
        try:
            await self._batch_slots.acquire(current_queue_owner(), deadline)
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed before the call was sent") from None
        except QueueFull:
            record_shed("batch_full")
            raise Overloaded(
                "too many calls of batches wait, and the most of them are of this caller"
            ) from None
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
        queue_owner: Hashable,
    ) -> tuple[bytes, NationalsiteError | None]:
        """Make one call of the gateway; return the decoded response, and the error of a partial one.

        If the caller must not retry, it raises OutcomeUnknown where 1688 may have executed the call.
        """
        request_id, text = "", b""

        def parse(body: bytes) -> Json | DecodeResult:
            nonlocal text
            text = body
            return operation.parse(body, request)

        def finish(error: NationalsiteError) -> NationalsiteError:
            if isinstance(error, UpstreamError):
                self._redact_error(error, request, request_id)
            if error.may_have_executed and not caller_may_retry:
                return _to_outcome_unknown(error)
            return error

        try:
            response = await self._gateway.call(
                operation.api_id,
                parameters.form,
                files=parameters.files,
                parse=parse,
                anonymous=operation.anonymous,
                idempotent=operation.rpc in self._idempotent,
                deadline=deadline,
                queue_owner=queue_owner,
            )
            request_id = response.request_id
            result = await self._decode(operation, response.value, text, request)
        except NationalsiteError as error:
            finished = finish(error)
            if finished is error:
                raise
            raise finished from error
        if result.unreadable:
            _report_unreadable_fields(operation.rpc, result.unreadable)
        if result.rejection is not None:
            return result.response, finish(result.rejection)
        self._drift_monitor.observe(operation, text)
        return result.response, None

    async def _decode(
        self, operation: Operation, value: Json | DecodeResult, text: bytes, request: Message
    ) -> DecodeResult:
        """Decode what `operation.parse` returned. Large responses are decoded in a thread, one at a time.

        The thread shares the interpreter with the event loop, which continues meanwhile.
        """
        if isinstance(value, DecodeResult) or not has_more_values(text, MAX_VALUES_ON_LOOP):
            return operation.decode(value, request)
        async with self._decoding:
            return await asyncio.to_thread(operation.decode, value, request)

    def _get_supported(self, rpc: str) -> Operation:
        operation = self[rpc]
        if not operation.api_id:
            raise OperationNotInDialect(f"this service has no such operation in {operation.dialect}")
        return operation

    def _redact_error(self, error: UpstreamError, request: Message, request_id: str) -> None:
        """Redact 1688's code and text, add the request id, and bind code and id to the log line."""
        sensitive = (*self._gateway.secrets(), *sensitive_values(request))
        error.code, error.upstream_message = (
            redact(error.code, sensitive),
            redact(error.upstream_message, sensitive),
        )
        error.upstream_request_id = error.upstream_request_id or request_id
        bind_log_fields(
            upstream_code=redact_code(error.code), upstream_request_id=redact_code(error.upstream_request_id)
        )

    def build_rejection(self, rpc: str, request: Message, code: str, text: str) -> UpstreamRefused:
        """Return the error of a part of a response that 1688 rejected with this code and text, redacted."""
        sensitive = (*self._gateway.secrets(), *sensitive_values(request))
        error = self[rpc].build_rejection(code, text)
        error.code, error.upstream_message = redact(code, sensitive), redact(text, sensitive)
        return error

    def build_endpoints(
        self,
        build_endpoint: Callable[[Handler, ErrorOrigin, DialectReporter | None], Endpoint],
        handlers: Mapping[str, Handler],
        *,
        local_fields: Collection[str] = (),
    ) -> dict[str, Endpoint]:
        """Return the endpoint of each RPC, with the service's handler, or with one that calls 1688.

        `build_endpoint` gets the handler; the origin of errors; and the reporter of the dialect, or None for
        an RPC that is no operation of 1688. `local_fields` are request fields that interceptors use, such as
        `request_id`: they are not sent to 1688. Raises SchemaError if a local RPC has no handler, a handler
        has no RPC, or nothing uses a local request field.
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
            rpc: build_endpoint(
                handlers.get(rpc) or partial(self.call, rpc),
                operation.origin,
                partial(self.report_dialect, rpc) if operation.is_upstream else None,
            )
            for rpc, operation in served.items()
        }

    def report_dialect(self, rpc: str, request: Message) -> DialectReport:
        """Return which dialect serves the request, and which of its fields are dropped."""
        operation = self[rpc]
        return DialectReport(operation.dialect, operation.find_dropped_fields(request))

    def check_request(self, rpc: str, request: Message) -> None:
        """Raise RequestError if the request cannot be sent."""
        with self._origin_setters[rpc]:
            self[rpc].encode(request)

    def decode_response(self, rpc: str, body: bytes) -> bytes:
        """Return the serialized response for a response body that is not from a call, such as a file."""
        operation = self[rpc]
        request = operation.request()
        return operation.decode(operation.parse(body, request), request).response


def _count_dropped_fields(operation: Operation, request: Message) -> None:
    for field in operation.find_dropped_fields(request):
        _dropped_fields.labels(operation.rpc, field).inc()


def _to_outcome_unknown(error: NationalsiteError) -> OutcomeUnknown:
    message = f"{error}; it is not known whether 1688 executed the call"
    if not isinstance(error, UpstreamError):
        return OutcomeUnknown(message)
    return OutcomeUnknown(
        message,
        code=error.code,
        upstream_message=error.upstream_message,
        upstream_request_id=error.upstream_request_id,
    )


def _report_unreadable_fields(rpc: str, fields: Sequence[str]) -> None:
    for field in fields:
        _unreadable_fields.labels(rpc, field).inc()
    _log.warning("unreadable_fields", rpc=rpc, fields=sorted(set(fields)))


def _bind_batch_errors(errors: Sequence[NationalsiteError | None]) -> None:
    """Bind to the log line how many calls failed, and code and request id of the first error from 1688."""
    failed = [error for error in errors if error is not None]
    fields: dict[str, object] = {"elements": len(errors), "elements_failed": len(failed)}
    first = next((error for error in failed if isinstance(error, UpstreamError)), None)
    if first is not None:
        fields |= {"upstream_code": first.code, "upstream_request_id": first.upstream_request_id}
    bind_log_fields(**fields)


def _reached_operation(error: NationalsiteError | None) -> bool:
    """Whether a call with this error (None: a success) may have reached 1688's operation."""
    return error is None or error.may_have_executed or isinstance(error, UpstreamRefused)
