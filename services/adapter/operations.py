"""Answers RPCs by way of 1688: codec, gateway, codec; and what is told of it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

import structlog
from google.protobuf.message import Message
from prometheus_client import Counter

from services.adapter.cache import Cache
from services.adapter.codec import Level, Operation, SpecificationError, parse
from services.adapter.gateway import Gateway
from services.adapter.privacy import private_texts, sanitized
from services.errors import NationalsiteError, OperationNotInDialect, OutcomeUnknown, UpstreamError

Function = Callable[[Any, float], Awaitable[bytes]]
"""Answers an RPC: request and deadline (loop time) to the serialized response."""

Binding = TypeVar("Binding")

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


class Operations:
    """The compiled operations of one service, spoken through one gateway."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        gateway: Gateway,
        *,
        once: Collection[str] = (),
        cache: Cache | None = None,
    ) -> None:
        """`once` names RPCs that must not be repeated, whatever their protos say."""
        self._operations = operations
        self._gateway = gateway
        self._once = frozenset(once)
        self._cache = cache

    def __getitem__(self, rpc: str) -> Operation:
        """Return an operation by the name of its RPC."""
        return self._operations[rpc]

    def bindings(
        self, bind: Callable[[Function, str], Binding], own: Mapping[str, Function]
    ) -> dict[str, Binding]:
        """Bind what answers each RPC: the service's own function, or the call of its operation.

        `bind` takes the function and what errors call the operation: 1688's id, or the RPC's name.
        Raises SpecificationError where a local RPC has no function, or a function no RPC.
        """
        unknown = sorted(own.keys() - self._operations.keys())
        findings = [f"{rpc}: no such RPC for this function" for rpc in unknown]
        findings += [
            f"{rpc}: neither an operation of 1688 nor a function of the suite"
            for rpc, operation in self._operations.items()
            if operation.local and rpc not in own
        ]
        if findings:
            raise SpecificationError(*findings)
        return {
            rpc: bind(own.get(rpc) or partial(self.call, rpc), operation.api or rpc)
            for rpc, operation in self._operations.items()
        }

    def check(self, rpc: str, request: Message) -> None:
        """Raise RequestError where the request cannot be sent."""
        self[rpc].encode(request)

    def decoded(self, rpc: str, reply: bytes) -> bytes:
        """Return a reply that 1688 might have given, as the serialized response."""
        operation = self[rpc]
        return operation.decode(parse(reply), operation.request()).response

    async def call(self, rpc: str, request: Message, deadline: float) -> bytes:
        """Send the request as the RPC's operation; return the serialized response.

        Raises what services/errors.py lists; a failure after which a call must not be repeated becomes
        OutcomeUnknown. 1688's words are sanitized. A read may be answered from the cache.
        """
        operation = self[rpc]
        if not operation.api:
            raise OperationNotInDialect(f"1688 has no such operation in {operation.dialect}")
        if self._cache is None or not self._cache.keeps(rpc):
            return await self._asked(operation, request, deadline)
        ask = partial(self._asked, operation, request)
        return await self._cache.answer(rpc, operation.dialect, request, ask, deadline)

    async def _asked(self, operation: Operation, request: Message, deadline: float) -> bytes:
        rpc = operation.rpc
        parameters = operation.encode(request)
        for field in parameters.left_out:
            _left_out.labels(rpc, field).inc()
        request_id = ""
        try:
            reply = await self._gateway.call(
                operation.api,
                parameters.form,
                files=parameters.files,
                anonymous=operation.anonymous,
                repeatable=self._level(operation) is not Level.ONCE,
                deadline=deadline,
            )
            request_id = reply.request_id
            decoded = operation.decode(reply.value, request)
        except NationalsiteError as error:
            told = self._told(error, operation, request, request_id)
            if told is error:
                raise
            raise told from error
        self._note_unreadable(rpc, decoded.unreadable)
        return decoded.response

    def _level(self, operation: Operation) -> Level:
        return Level.ONCE if operation.rpc in self._once else operation.level

    def _note_unreadable(self, rpc: str, fields: tuple[str, ...]) -> None:
        if not fields:
            return
        for field in fields:
            _unreadable.labels(rpc, field).inc()
        _log.warning("unreadable_fields", rpc=rpc, fields=sorted(set(fields)))

    def _told(
        self, error: NationalsiteError, operation: Operation, request: Message, request_id: str
    ) -> NationalsiteError:
        """Return the error as the caller is to see it."""
        code = text = ""
        if isinstance(error, UpstreamError):
            private = (*self._gateway.secrets(), *private_texts(request))
            error.code, error.text = code, text = (
                sanitized(error.code, private),
                sanitized(error.text, private),
            )
            error.request_id = request_id = error.request_id or request_id
            structlog.contextvars.bind_contextvars(upstream_code=code, upstream_request_id=request_id)
        if error.may_have_run and self._level(operation) is Level.ONCE:
            message = f"{error}; whether 1688 carried the call out is not known"
            return OutcomeUnknown(message, code=code, text=text, request_id=request_id)
        return error
