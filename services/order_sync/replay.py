"""The messages that 1688 could not push: asked for on a timer and on request, stored, and then confirmed."""

import asyncio
import random
from collections.abc import Callable, Sequence

import structlog
from nationalsite.ordersync import v1 as protos
from nationalsite.replay import v1 as upstream

from services.adapter import OperationClient
from services.errors import NationalsiteError, Overloaded
from services.store import Inbox, IncomingMessage, Lease, Store, exclusive_lease

SERVICE = upstream.MESSAGE_REPLAY_SERVICE
PAGE = 200
"""Messages on a page: the most that 1688 takes."""
MAX_PAGES = 1000
"""Of one replay: more than 1688 can hold back for a shop; the next replay goes on."""
LEASE_S = 60.0
"""Longer than a page takes."""
PAGE_S = 20.0
_LARGEST_ID = 2**63 - 1

_log = structlog.get_logger()


class Replay:
    """Query, store, confirm, page 1 again: whatever ends it between two steps, nothing is lost."""

    def __init__(
        self,
        operations: OperationClient,
        inbox: Inbox,
        store: Store,
        read: Callable[[bytes], IncomingMessage],
    ) -> None:
        self._operations = operations
        self._inbox = inbox
        self._store = store
        self._read = read

    async def replay_messages(self, request: protos.ReplayMessagesRequest, deadline: float) -> bytes:
        """Replay now. Raises Overloaded while another replica, or call, does."""
        query = upstream.QueryMessagesRequest(topic=request.topic, page_size=PAGE)
        if request.HasField("start_time"):
            query.create_start_time.CopyFrom(request.start_time)
        if request.HasField("end_time"):
            query.create_end_time.CopyFrom(request.end_time)
        answer = await self._alone(query, deadline)
        if answer is None:
            raise Overloaded("another replay is running")
        return answer.SerializeToString()

    async def sweep_for_ever(self, every_s: float) -> None:
        """Replay every so often until cancelled; among replicas one does it at a time."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every_s * random.uniform(0.9, 1.1))  # noqa: S311 # replicas are not to march in step
            try:
                answer = await self._alone(
                    upstream.QueryMessagesRequest(page_size=PAGE), loop.time() + every_s
                )
            except NationalsiteError as error:
                _log.warning("replay_put_off", reason=error.reason, code=getattr(error, "code", ""))
                continue
            except Exception as error:
                _log.exception("replay_fault", exc_info=error)  # a fault of ours must not end it for good
                continue
            if answer is not None and (answer.stored or answer.duplicates):
                _log.info("replayed", stored=answer.stored, duplicates=answer.duplicates)

    async def _alone(
        self, query: upstream.QueryMessagesRequest, deadline: float
    ) -> protos.ReplayMessagesResponse | None:
        """Return what was replayed; None where somebody else is replaying."""
        async with exclusive_lease(self._store, "replay", LEASE_S) as lease:
            return None if lease is None else await self._replay(query, lease, deadline)

    async def _replay(
        self, query: upstream.QueryMessagesRequest, lease: Lease, deadline: float
    ) -> protos.ReplayMessagesResponse:
        answer = protos.ReplayMessagesResponse()
        confirmed: set[int] = set()
        query.page = 1
        for _ in range(MAX_PAGES):
            texts = await self._query(query, deadline)
            if not texts:
                break
            incoming = [self._read(text.encode()) for text in texts]
            stored = await self._inbox.store(incoming)
            answer.stored += len(stored.new)
            answer.duplicates += stored.duplicates
            # What has no number for an id, or stays although it was confirmed, stands in the way: turn over.
            ids = _numbers(incoming) - confirmed
            if ids:
                await self._confirm(sorted(ids), deadline)
                confirmed |= ids
            else:
                query.page += 1
            if not await lease.renew():
                break  # this took too long, and somebody else goes on
        return answer

    async def _query(self, query: upstream.QueryMessagesRequest, deadline: float) -> Sequence[str]:
        answer = await self._operations.call("QueryMessages", query, self._page_end(deadline))
        return upstream.QueryMessagesResponse.FromString(answer).messages

    async def _confirm(self, message_ids: Sequence[int], deadline: float) -> None:
        request = upstream.ConfirmMessagesRequest(message_ids=message_ids)
        await self._operations.call("ConfirmMessages", request, self._page_end(deadline))

    @staticmethod
    def _page_end(deadline: float) -> float:
        return min(deadline, asyncio.get_running_loop().time() + PAGE_S)


def _numbers(incoming: Sequence[IncomingMessage]) -> set[int]:
    """Return the ids that 1688 takes for confirming."""
    digits = (each.message_id for each in incoming)
    return {int(text) for text in digits if text.isascii() and text.isdigit() and int(text) <= _LARGEST_ID}
