"""The table of idempotency keys: which calls with a request id were executed, and with what outcome."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import RequestIdReused, RequestInProgress
from services.store.database.schema import idempotency_keys
from services.store.database.sql_dialect import advisory_xact_lock
from services.store.database.store import Store

RUNNING, SUCCEEDED, UNKNOWN = "RUNNING", "SUCCEEDED", "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentRequest:
    """A request with a request id. The first three fields are its idempotency key."""

    caller: str
    """The caller's identity; may be empty."""
    rpc: str
    """The RPC's full name. The same id with another RPC is another key."""
    request_id: str
    content_hash: bytes
    """SHA-256 of the request. The request itself is not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The request is to be executed now. `record_success`, `record_unknown` or `release` ends it."""

    request: IdempotentRequest
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The request was executed before."""

    response: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOutcome:
    """The request was sent before, and it is not known whether it was executed."""


class IdempotencyKeys:
    """Starts requests and records their outcomes, which are retained for `retention_s`."""

    def __init__(self, store: Store, retention_s: float = 86_400.0) -> None:
        self._store = store
        self._retention_ms = round(retention_s * 1000)

    async def start(
        self, request: IdempotentRequest, *, lease_s: float, is_idempotent: bool
    ) -> Started | Succeeded | UnknownOutcome:
        """Start a request, unless its outcome is recorded.

        `lease_s` must be longer than the execution may take: if it expires, the process died and the outcome
        is unknown. After an unknown outcome the request may start again only if the RPC `is_idempotent`.
        Raises RequestInProgress while the first execution runs, RequestIdReused if the content differs.
        """

        async def work(connection: AsyncConnection) -> Started | Succeeded | UnknownOutcome:
            await advisory_xact_lock(
                connection, "idempotency key", request.caller, request.rpc, request.request_id
            )
            now_ms = self._store.clock()
            rows = await connection.execute(select(idempotency_keys).where(*_has_key(request)))
            row = rows.one_or_none()
            outcome = None if row is None else self._recorded_outcome(row, request, now_ms)
            if isinstance(outcome, Succeeded) or (outcome is not None and not is_idempotent):
                return outcome
            started = Started(request=request, holder=uuid.uuid4().hex)
            await connection.execute(delete(idempotency_keys).where(*_has_key(request)))
            await connection.execute(
                insert(idempotency_keys).values(
                    caller=request.caller,
                    rpc=request.rpc,
                    request_id=request.request_id,
                    content_hash=request.content_hash,
                    state=RUNNING,
                    holder=started.holder,
                    expire_time_ms=now_ms + round(lease_s * 1000),
                )
            )
            return started

        return await self._store.write(work)

    async def record_success(self, started: Started, response: bytes) -> None:
        """Record the response, which retries get from now on."""
        await self._record(started, state=SUCCEEDED, response=response)

    async def record_unknown(self, started: Started) -> None:
        """Record that the outcome is unknown."""
        await self._record(started, state=UNKNOWN)

    async def release(self, started: Started) -> None:
        """Delete the key of a request that was not executed. The id may be used again, with any content."""
        statement = delete(idempotency_keys).where(*_is_held(started))
        await self._store.write(lambda connection: connection.execute(statement))

    async def _record(self, started: Started, **values: object) -> None:
        statement = (
            update(idempotency_keys)
            .where(*_is_held(started))
            .values(expire_time_ms=self._store.clock() + self._retention_ms, **values)
        )
        await self._store.write(lambda connection: connection.execute(statement))

    def _recorded_outcome(
        self, row: "Row[Any]", request: IdempotentRequest, now_ms: int
    ) -> Succeeded | UnknownOutcome | None:
        """Return the outcome in a row; None if the row has expired."""
        # The process of an expired execution died: its unknown outcome is retained as long as a recorded one.
        retention_ms = self._retention_ms if row.state == RUNNING else 0
        if row.expire_time_ms + retention_ms <= now_ms:
            return None
        if row.content_hash != request.content_hash:
            raise RequestIdReused("the request_id was used before with other content")
        if row.state == RUNNING and row.expire_time_ms > now_ms:
            raise RequestInProgress("the first call with this request_id still runs")
        return Succeeded(response=row.response) if row.state == SUCCEEDED else UnknownOutcome()


def _has_key(request: IdempotentRequest) -> tuple[Any, ...]:
    return (
        idempotency_keys.c.caller == request.caller,
        idempotency_keys.c.rpc == request.rpc,
        idempotency_keys.c.request_id == request.request_id,
    )


def _is_held(started: Started) -> tuple[Any, ...]:
    return (*_has_key(started.request), idempotency_keys.c.holder == started.holder)
