"""Remembers calls by their request id, so that a repeat is answered and not carried out again."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import RequestIdReused, RequestInProgress
from services.store.database.postgresql import advisory_xact_lock
from services.store.database.schema import request_ids
from services.store.store import Store

RUNNING, DONE, UNKNOWN = "RUNNING", "DONE", "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedCall:
    """A call that carries a request id."""

    caller: str
    """The caller's identity; may be empty."""
    rpc: str
    """The RPC's full name; the same id at another RPC is another call."""
    request_id: str
    content_hash: bytes
    """SHA-256 of the request: the content itself is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The call is to be carried out by whoever holds this; `finish`, `free` or `unknown` ends it."""

    call: RequestedCall
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The call succeeded before."""

    response: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOutcome:
    """The call was sent before, and nobody knows whether it was carried out."""


class IdempotencyKeys:
    """What became of calls, for as long as it is kept."""

    def __init__(self, store: Store, keep_s: float = 86_400.0) -> None:
        self._store = store
        self._keep_ms = round(keep_s * 1000)

    async def begin(
        self, call: RequestedCall, *, lease_s: float, resend: bool
    ) -> Started | Finished | UnknownOutcome:
        """Take a call on, unless it was before.

        `lease_s` is longer than the call may take: when it ends unfinished, its process died and the outcome
        is unknown. `resend` is for RPCs that may be sent again after that (level I); others get Unclear.
        Raises RequestInProgress while the first call runs, RequestIdReused for an id used with other content.
        """

        async def work(connection: AsyncConnection) -> Started | Finished | UnknownOutcome:
            await advisory_xact_lock(connection, "request id", call.caller, call.rpc, call.request_id)
            now_ms = self._store.clock()
            found = await connection.execute(select(request_ids).where(*_is(call)))
            row = found.one_or_none()
            if row is not None and (known := self._known(row, call, now_ms, resend)) is not None:
                return known
            begun = Started(call=call, holder=uuid.uuid4().hex)
            await connection.execute(delete(request_ids).where(*_is(call)))
            await connection.execute(
                insert(request_ids).values(
                    caller=call.caller,
                    rpc=call.rpc,
                    request_id=call.request_id,
                    content_hash=call.content_hash,
                    state=RUNNING,
                    holder=begun.holder,
                    until_ms=now_ms + round(lease_s * 1000),
                )
            )
            return begun

        return await self._store.write(work)

    async def finish(self, begun: Started, response: bytes) -> None:
        """Keep a success, and return it to repeats from now on."""
        await self._end(begun, state=DONE, response=response)

    async def unknown(self, begun: Started) -> None:
        """Keep that the outcome is not known."""
        await self._end(begun, state=UNKNOWN)

    async def free(self, begun: Started) -> None:
        """Forget a call that was refused or never sent: its id may be used again, with any content."""
        statement = delete(request_ids).where(*_is(begun.call), request_ids.c.holder == begun.holder)
        await self._store.write(lambda connection: connection.execute(statement))

    async def _end(self, begun: Started, **values: object) -> None:
        statement = (
            update(request_ids)
            .where(*_is(begun.call), request_ids.c.holder == begun.holder)
            .values(until_ms=self._store.clock() + self._keep_ms, **values)
        )
        await self._store.write(lambda connection: connection.execute(statement))

    def _known(
        self, row: "Row[Any]", call: RequestedCall, now_ms: int, resend: bool
    ) -> Finished | UnknownOutcome | None:
        """Tell what a row says of a call; None: it may be carried out."""
        running = row.state == RUNNING and row.until_ms > now_ms
        # A run whose process died is kept as long as an unknown outcome.
        kept_until_ms = row.until_ms + (self._keep_ms if row.state == RUNNING else 0)
        if kept_until_ms <= now_ms:
            return None
        if row.content_hash != call.content_hash:
            raise RequestIdReused("the request_id was used before with other content")
        if running:
            raise RequestInProgress("the first call with this request_id still runs")
        if row.state == DONE:
            return Finished(response=row.response)
        return None if resend else UnknownOutcome()


def _is(call: RequestedCall) -> tuple[Any, ...]:
    return (
        request_ids.c.caller == call.caller,
        request_ids.c.rpc == call.rpc,
        request_ids.c.request_id == call.request_id,
    )
