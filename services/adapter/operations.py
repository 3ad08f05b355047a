"""Answers RPCs by way of 1688: codec, gateway, codec; and what is told of it."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import structlog
from google.protobuf.message import Message
from prometheus_client import Counter

from services.adapter.cache import Cache
from services.adapter.codec import DecodeResult, Idempotency, Operation, Parameters, SchemaError
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
from services.handler import Handler

Binding = TypeVar("Binding")

MAX_CONCURRENCY = 4
"""Calls under way at once for requests of many: eight have been seen to meet 1688's frequency limit."""
RESPONSE_MARGIN_S = 0.25
"""What a request of many leaves of its deadline, so that its results reach a caller who waits no longer."""

_left_out = Counter(
    "nationalsite_fields_left_out",
    "Request fields that stated a fact and have no member in the dialect.",
    ("rpc", "field"),
)
_unreadable = Counter(
    "nationalsite_fields_unreadable",
    "Response fields left unset because 1688's value could not be read.",
    ("rpc", "field"),
)
_log = structlog.get_logger()


class OperationClient:
    """The compiled operations of one service, spoken through one gateway."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        gateway: GatewayClient,
        *,
        once: Collection[str] = (),
        unserved: Collection[str] = (),
        cache: Cache | None = None,
    ) -> None:
        """Take the parts.

        `once` names RPCs that must not be repeated, whatever their protos say, `unserved` those that the
        suite itself calls and nobody else.
        """
        self._operations = operations
        self._gateway = gateway
        self._once = frozenset(once)
        self._unserved = frozenset(unserved)
        self._cache = cache
        self._places = asyncio.Semaphore(MAX_CONCURRENCY)

    def __getitem__(self, rpc: str) -> Operation:
        """Return an operation by the name of its RPC."""
        return self._operations[rpc]

    def bindings(
        self, bind: Callable[[Handler, str], Binding], own: Mapping[str, Handler]
    ) -> dict[str, Binding]:
        """Bind what answers each RPC: the service's own function, or the call of its operation.

        `bind` takes the function and what errors call the operation: 1688's id, or the RPC's name.
        Raises SchemaError where a local RPC has no function, or a function no RPC.
        """
        served = {rpc: each for rpc, each in self._operations.items() if rpc not in self._unserved}
        unknown = sorted(own.keys() - served.keys())
        findings = [f"{rpc}: no such RPC for this function" for rpc in unknown]
        findings += [
            f"{rpc}: neither an operation of 1688 nor a function of the suite"
            for rpc, operation in served.items()
            if operation.local and rpc not in own
        ]
        if findings:
            raise SchemaError(*findings)
        return {
            rpc: bind(own.get(rpc) or partial(self.call, rpc), operation.api or rpc)
            for rpc, operation in served.items()
        }

    def check(self, rpc: str, request: Message) -> None:
        """Raise RequestError where the request cannot be sent."""
        self[rpc].encode(request)

    def decoded(self, rpc: str, reply: bytes) -> bytes:
        """Return a reply that 1688 might have given, as the serialized response."""
        operation = self[rpc]
        request = operation.request()
        return operation.decode(operation.parse(reply, request), request).response

    async def call(self, rpc: str, request: Message, deadline: float) -> bytes:
        """Send the request as the RPC's operation; return the serialized response.

        Raises what services/errors.py lists; a failure after which a call must not be repeated becomes
        OutcomeUnknown. 1688's words are sanitized. A read may be answered from the cache.
        """
        operation = self._spoken(rpc)
        if self._cache is None or not self._cache.keeps(rpc):
            return await self._asked(operation, request, deadline)
        ask = partial(self._asked, operation, request)
        return await self._cache.answer(rpc, operation.dialect, request, ask, deadline)

    async def _asked(self, operation: Operation, request: Message, deadline: float) -> bytes:
        (parameters,) = operation.encode(request)
        decoded = await self._exchanged(
            operation, parameters, request, deadline, unclear=self._is_once(operation)
        )
        return decoded.response

    async def call_each(
        self, rpc: str, request: Message, deadline: float
    ) -> tuple[NationalsiteError | None, ...]:
        """Make every call that the request takes, a few at once; return what became of each, None if well.

        One that fails stops no other; one whose outcome is not known is OutcomeUnknown. Raises RequestError
        before anything is sent, and the first failure where no call reached the operation.
        """
        operation = self._spoken(rpc)
        calls = operation.encode(request)
        remaining_s = deadline - asyncio.get_running_loop().time()
        ends = deadline - min(RESPONSE_MARGIN_S, remaining_s / 10)

        async def outcome(parameters: Parameters) -> NationalsiteError | None:
            try:
                async with self._place(ends):
                    await self._exchanged(operation, parameters, request, ends, unclear=True)
            except NationalsiteError as error:
                return error
            return None

        if len(calls) == 1:  # in the caller's own context, whose log line then has what is bound
            outcomes: tuple[NationalsiteError | None, ...] = (await outcome(calls[0]),)
        else:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(outcome(parameters)) for parameters in calls]
            outcomes = tuple(task.result() for task in tasks)
            _note_failures(outcomes)
        first = outcomes[0]
        if first is not None and not any(map(_reached, outcomes)):
            raise first
        return outcomes

    @asynccontextmanager
    async def _place(self, deadline: float) -> AsyncIterator[None]:
        """Wait for a place among the calls of requests of many. Raises DeadlineExceeded."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._places.acquire()
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed before the call was sent") from None
        try:
            yield
        finally:
            self._places.release()

    def _spoken(self, rpc: str) -> Operation:
        operation = self[rpc]
        if not operation.api:
            raise OperationNotInDialect(f"1688 has no such operation in {operation.dialect}")
        return operation

    async def _exchanged(
        self,
        operation: Operation,
        parameters: Parameters,
        request: Message,
        deadline: float,
        *,
        unclear: bool,
    ) -> DecodeResult:
        """Make one call. `unclear`: a failure that may have run is told as OutcomeUnknown."""
        for field in parameters.left_out:
            _left_out.labels(operation.rpc, field).inc()
        request_id = ""
        try:
            reply = await self._gateway.call(
                operation.api,
                parameters.form,
                files=parameters.files,
                parse=lambda body: operation.parse(body, request),
                anonymous=operation.anonymous,
                repeatable=not self._is_once(operation),
                deadline=deadline,
            )
            request_id = reply.request_id
            decoded = operation.decode(reply.value, request)
        except NationalsiteError as error:
            told = self._told(error, request, request_id, unclear=unclear)
            if told is error:
                raise
            raise told from error
        self._note_unreadable(operation.rpc, decoded.unreadable)
        return decoded

    def _is_once(self, operation: Operation) -> bool:
        """Whether calls must not be repeated once they may have reached 1688."""
        return operation.rpc in self._once or operation.level is Idempotency.ONCE

    def _note_unreadable(self, rpc: str, fields: tuple[str, ...]) -> None:
        if not fields:
            return
        for field in fields:
            _unreadable.labels(rpc, field).inc()
        _log.warning("unreadable_fields", rpc=rpc, fields=sorted(set(fields)))

    def _told(
        self, error: NationalsiteError, request: Message, request_id: str, *, unclear: bool
    ) -> NationalsiteError:
        """Return the error as the caller is to see it."""
        code = text = ""
        if isinstance(error, UpstreamError):
            private = (*self._gateway.secrets(), *sensitive_values(request))
            error.code, error.upstream_message = code, text = (
                redact(error.code, private),
                redact(error.upstream_message, private),
            )
            error.request_id = request_id = error.request_id or request_id
            structlog.contextvars.bind_contextvars(
                upstream_code=redact_code(code), upstream_request_id=redact_code(request_id)
            )
        if error.may_have_executed and unclear:
            message = f"{error}; whether 1688 carried the call out is not known"
            return OutcomeUnknown(message, code=code, upstream_message=text, request_id=request_id)
        return error


def _note_failures(outcomes: Sequence[NationalsiteError | None]) -> None:
    """Bind to the log line how many failed, and 1688's own ids of the first: what its support asks for."""
    failures = [outcome for outcome in outcomes if outcome is not None]
    facts: dict[str, object] = {"elements": len(outcomes), "elements_failed": len(failures)}
    told = next((failure for failure in failures if isinstance(failure, UpstreamError)), None)
    if told is not None:
        facts |= {"upstream_code": told.code, "upstream_request_id": told.request_id}
    structlog.contextvars.bind_contextvars(**facts)


def _reached(outcome: NationalsiteError | None) -> bool:
    """Whether a call came as far as 1688's operation, as far as anybody knows."""
    return outcome is None or outcome.may_have_executed or isinstance(outcome, UpstreamRefused)
