"""The table of idempotency keys: which calls with a request id were executed, and with what outcome."""

import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import OutOrderIdReused, RequestIdReused, RequestInProgress, StoreUnavailable
from services.store.database.schema import IS_UNRESOLVED_CREATION, idempotency_keys
from services.store.database.sql_dialect import advisory_xact_lock
from services.store.database.store import Store

RUNNING, SUCCEEDED, UNKNOWN, NOT_EXECUTED = "RUNNING", "SUCCEEDED", "UNKNOWN", "NOT_EXECUTED"
SETTLE_WITHIN_S = 600.0
"""How long an outcome, or the release of an id, is written again while the store is unavailable.

Longer than the lease: until it is written, a retry sees an unknown outcome."""

MAX_UNUSED = 1000
"""Ids that this process remembers until they are released. Other ids are free when they are released."""


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
    resource_id: str = ""
    """The caller's own id of what the call creates, such as an `out_order_id`. No other key may have it."""

    @property
    def key(self) -> tuple[str, str, str]:
        """The idempotency key."""
        return self.caller, self.rpc, self.request_id

    def takes_id_of(self, other: "IdempotentRequest") -> bool:
        """Whether only one of the two requests may be executed."""
        has_same_resource = self.rpc == other.rpc and self.resource_id == other.resource_id != ""
        return self.key == other.key or has_same_resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The request is to be executed now. `record_success`, `record_unknown` or `release` ends it."""

    request: IdempotentRequest
    holder: str
    """Id of this execution. Only its holder changes the row."""
    start_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The request was executed before."""

    response: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOutcome:
    """The request was sent before, and it is not known whether it was executed."""

    execution: Started


@dataclass(frozen=True, slots=True, kw_only=True)
class NotExecutedOutcome:
    """The request was sent before, and an operator has recorded that it was not executed."""


Outcome: TypeAlias = Succeeded | UnknownOutcome | NotExecutedOutcome


class IdempotencyKeys:
    """Starts requests and records their outcomes."""

    def __init__(
        self, store: Store, retention_s: float = 86_400.0, resource_retention_s: float = 90 * 86_400.0
    ) -> None:
        """`retention_s`: how long outcomes are retained; `resource_retention_s`: those with a resource id."""
        self._store = store
        self._retention_ms = round(retention_s * 1000)
        self._resource_retention_ms = round(resource_retention_s * 1000)
        self._unused: deque[Started] = deque(maxlen=MAX_UNUSED)
        """Rows that `start` may have committed although it failed. They are not executed."""

    async def start(
        self, request: IdempotentRequest, *, lease_s: float, is_idempotent: bool
    ) -> Started | Outcome:
        """Start a request, unless its outcome is recorded.

        `lease_s` must be longer than the execution may take: an expired lease means that the process died,
        and that the outcome is unknown. After an unknown outcome the request may start again only if the RPC
        `is_idempotent`. Raises RequestInProgress while the first execution runs, RequestIdReused if the
        content differs, OutOrderIdReused if the resource id was used with another key. After StoreUnavailable
        nothing may be executed, and the id is released as soon as the store is available.
        """
        started = Started(request=request, holder=uuid.uuid4().hex, start_time_ms=self._store.clock())

        async def work(connection: AsyncConnection) -> Started | Outcome:
            await _lock(connection, request)
            for unused in tuple(self._unused):
                if unused.request.takes_id_of(request):
                    await connection.execute(delete(idempotency_keys).where(*_is_held(unused)))
            now_ms = self._store.clock()
            rows = await connection.execute(select(idempotency_keys).where(*_has_key(request)))
            row = rows.one_or_none()
            outcome = None if row is None else self._recorded_outcome(row, request, now_ms)
            if isinstance(outcome, Succeeded) or (outcome is not None and not is_idempotent):
                return outcome
            await connection.execute(delete(idempotency_keys).where(*_has_key(request)))
            if request.resource_id:
                await self._take_resource_id(connection, request, now_ms)
            await connection.execute(
                insert(idempotency_keys).values(
                    caller=request.caller,
                    rpc=request.rpc,
                    request_id=request.request_id,
                    resource_id=request.resource_id or None,
                    content_hash=request.content_hash,
                    state=RUNNING,
                    holder=started.holder,
                    start_time_ms=started.start_time_ms,
                    expire_time_ms=now_ms + round(lease_s * 1000),
                )
            )
            return started

        try:
            return await self._store.write(work)
        except StoreUnavailable:
            # The row may be committed, and only the response of the commit lost.
            self._unused.append(started)
            self._store.tasks.start(self.release(started))
            raise

    async def record_success(self, started: Started, response: bytes) -> None:
        """Record the response, which retries get from now on.

        It may be a response that was found after an unknown outcome.
        """
        await self._record(started, state=SUCCEEDED, response=response)

    async def record_unknown(self, started: Started) -> None:
        """Record that the outcome is unknown, unless it has been found since."""
        await self._record(started, idempotency_keys.c.state == RUNNING, state=UNKNOWN)

    async def release(self, started: Started) -> None:
        """Delete the key of a request that was not executed. The id may be used again, with any content."""

        async def work(connection: AsyncConnection) -> None:
            await _lock(connection, started.request)  # waits for the end of a `start` whose response was lost
            await connection.execute(delete(idempotency_keys).where(*_is_held(started)))

        def on_commit(_: object) -> None:
            with suppress(ValueError):
                self._unused.remove(started)

        await self._store.settle(work, on_commit, within_s=SETTLE_WITHIN_S, what="request_id_release")

    async def list_unknown(self, rpc: str, limit: int) -> list[UnknownOutcome]:
        """Return the calls of an RPC with unknown outcomes and resource ids, the oldest first."""
        statement = (
            select(idempotency_keys)
            .where(idempotency_keys.c.rpc == rpc, *self._is_unknown_creation())
            .order_by(idempotency_keys.c.start_time_ms)
            .limit(limit)
        )
        rows = await self._store.read(lambda connection: _fetch_all(connection, statement))
        return [UnknownOutcome(execution=_to_started(row)) for row in rows]

    async def count_unknown(self) -> int:
        """Return the number of calls with unknown outcomes and resource ids."""
        statement = select(func.count()).select_from(idempotency_keys).where(*self._is_unknown_creation())
        rows = await self._store.read(lambda connection: _fetch_all(connection, statement))
        return int(rows[0][0])

    async def decide(self, rpc: str, resource_id: str, response: bytes | None) -> Started | None:
        """Record what an operator found out about a call: its response; None: it was not executed.

        Return the call. None: there is none with this id, it is still running, or its response is recorded.
        A call that was recorded as not executed can get a response later.
        """

        async def work(connection: AsyncConnection) -> Started | None:
            is_undecided = or_(and_(*self._is_unknown_creation()), idempotency_keys.c.state == NOT_EXECUTED)
            conditions = (
                idempotency_keys.c.rpc == rpc,
                idempotency_keys.c.resource_id == resource_id,
                is_undecided,
            )
            rows = await _fetch_all(connection, select(idempotency_keys).where(*conditions))
            if not rows:
                return None
            await connection.execute(
                update(idempotency_keys)
                .where(*conditions)
                .values(
                    state=NOT_EXECUTED if response is None else SUCCEEDED,
                    response=response,
                    expire_time_ms=self._store.clock() + self._resource_retention_ms,
                )
            )
            return _to_started(rows[0])

        return await self._store.write(work)

    async def _take_resource_id(
        self, connection: AsyncConnection, request: IdempotentRequest, now_ms: int
    ) -> None:
        """Delete an expired row with the resource id. Raises OutOrderIdReused if it has not expired."""
        await advisory_xact_lock(connection, "resource id", request.rpc, request.resource_id)
        has_resource_id = (
            idempotency_keys.c.rpc == request.rpc,
            idempotency_keys.c.resource_id == request.resource_id,
        )
        for row in await _fetch_all(connection, select(idempotency_keys).where(*has_resource_id)):
            if not self._has_expired(row, now_ms):
                raise OutOrderIdReused("the out_order_id was used before with another request_id")
        await connection.execute(delete(idempotency_keys).where(*has_resource_id))

    def _is_unknown_creation(self) -> tuple[Any, ...]:
        has_ended = idempotency_keys.c.expire_time_ms <= self._store.clock()
        return IS_UNRESOLVED_CREATION, or_(idempotency_keys.c.state == UNKNOWN, has_ended)

    def _get_retention_ms(self, resource_id: str | None) -> int:
        return self._resource_retention_ms if resource_id else self._retention_ms

    async def _record(self, started: Started, *conditions: Any, **values: object) -> None:
        retention_ms = self._get_retention_ms(started.request.resource_id)
        statement = (
            update(idempotency_keys)
            .where(*_is_held(started), *conditions)
            .values(expire_time_ms=self._store.clock() + retention_ms, **values)
        )
        await self._store.settle(
            lambda connection: connection.execute(statement),
            within_s=SETTLE_WITHIN_S,
            what="request_outcome",
        )

    def _has_expired(self, row: "Row[Any]", now_ms: int) -> bool:
        # RUNNING with an expired lease: the process died. This unknown outcome is retained as long as others.
        retention_ms = self._get_retention_ms(row.resource_id) if row.state == RUNNING else 0
        return bool(row.expire_time_ms + retention_ms <= now_ms)

    def _recorded_outcome(self, row: "Row[Any]", request: IdempotentRequest, now_ms: int) -> Outcome | None:
        """Return the outcome in a row; None if the row has expired."""
        if self._has_expired(row, now_ms):
            return None
        if row.content_hash != request.content_hash:
            raise RequestIdReused("the request_id was used before with other content")
        if row.state == RUNNING and row.expire_time_ms > now_ms:
            raise RequestInProgress("the first call with this request_id still runs")
        if row.state == SUCCEEDED:
            return Succeeded(response=row.response)
        return (
            NotExecutedOutcome() if row.state == NOT_EXECUTED else UnknownOutcome(execution=_to_started(row))
        )


def _to_started(row: "Row[Any]") -> Started:
    request = IdempotentRequest(
        caller=row.caller,
        rpc=row.rpc,
        request_id=row.request_id,
        content_hash=row.content_hash,
        resource_id=row.resource_id or "",
    )
    return Started(request=request, holder=row.holder, start_time_ms=row.start_time_ms)


async def _fetch_all(connection: AsyncConnection, statement: Select[Any]) -> "Sequence[Row[Any]]":
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def _lock(connection: AsyncConnection, request: IdempotentRequest) -> None:
    await advisory_xact_lock(connection, "idempotency key", *request.key)


def _has_key(request: IdempotentRequest) -> tuple[Any, ...]:
    return (
        idempotency_keys.c.caller == request.caller,
        idempotency_keys.c.rpc == request.rpc,
        idempotency_keys.c.request_id == request.request_id,
    )


def _is_held(started: Started) -> tuple[Any, ...]:
    return (*_has_key(started.request), idempotency_keys.c.holder == started.holder)
