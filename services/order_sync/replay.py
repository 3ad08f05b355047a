"""Replays messages that 1688 could not push: lists, stores and confirms them, on a timer and on request."""

import asyncio
import random
from collections.abc import Callable, Sequence

import structlog
from nationalsite.ordersync import v1 as protos
from nationalsite.replay import v1 as upstream
from prometheus_client import Counter

from services.adapter import OperationClient
from services.errors import NationalsiteError, ReplayInProgress, UpstreamUnreadable
from services.order_sync.message_codec import MessageTooLarge
from services.store import Inbox, IncomingMessage, Lease, Store, exclusive_lease

REPLAY_SERVICE = upstream.MESSAGE_REPLAY_SERVICE
PAGE_SIZE = 200
"""Messages on a page: 1688's limit."""
SMALL_PAGE_SIZE = 20
"""1688's minimum, used after a page that could not be read, for example because it was too large."""
MAX_UNREADABLE_PAGES = 4
"""A replay skips or reads again at most this many unreadable pages. One more ends it with the error."""
MAX_PAGES = 1000
"""Maximum number of pages of one replay. The next replay continues."""
LEASE_S = 60.0
"""Lease of the replay, renewed after each page."""
PAGE_TIMEOUT_S = 20.0
"""For listing a page, and for confirming its messages."""
_MAX_ID = 2**63 - 1

_skipped = Counter(
    "nationalsite_replay_skipped",
    "What replays left at 1688: message: too large to be stored. page: unreadable, for example too large.",
    ("what",),
)
for _what in ("message", "page"):
    _skipped.labels(_what)  # from 0 on, so that the first one is an increase
_log = structlog.get_logger()


class Replay:
    """Lists a page of messages, stores them and confirms them, until no page is left.

    A crash between these steps loses no message. 1688 removes confirmed messages from its list, so page 1 is
    listed again as long as it has messages to confirm.
    """

    def __init__(
        self,
        operations: OperationClient,
        inbox: Inbox,
        store: Store,
        parse_message: Callable[[bytes], IncomingMessage],
    ) -> None:
        self._operations = operations
        self._inbox = inbox
        self._store = store
        self._parse_message = parse_message

    async def replay_messages(self, request: protos.ReplayMessagesRequest, deadline: float) -> bytes:
        """Replay now. Raises ReplayInProgress if another replay is running, here or in another replica."""
        query = upstream.QueryMessagesRequest(topic=request.topic, page_size=PAGE_SIZE)
        if request.HasField("start_time"):
            query.create_start_time.CopyFrom(request.start_time)
        if request.HasField("end_time"):
            query.create_end_time.CopyFrom(request.end_time)
        response = await self._replay_exclusively(query, deadline)
        if response is None:
            raise ReplayInProgress("another replay is running")
        return response.SerializeToString()

    async def run(self, interval_s: float) -> None:
        """Replay at an interval until cancelled. One replica replays at a time."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(interval_s * random.uniform(0.9, 1.1))  # noqa: S311 # jitter
            try:
                response = await self._replay_exclusively(
                    upstream.QueryMessagesRequest(page_size=PAGE_SIZE), loop.time() + interval_s
                )
            except NationalsiteError as error:
                _log.warning("replay_failed", reason=error.reason, code=getattr(error, "code", ""))
                continue
            except Exception as error:
                _log.exception("replay_internal_error", exc_info=error)  # a bug must not end the loop
                continue
            if response is not None and (response.stored or response.duplicates):
                _log.info("replayed", stored=response.stored, duplicates=response.duplicates)

    async def _replay_exclusively(
        self, query: upstream.QueryMessagesRequest, deadline: float
    ) -> protos.ReplayMessagesResponse | None:
        """Replay, and return the result; None if another replay is running."""
        async with exclusive_lease(self._store, "replay", LEASE_S) as lease:
            return None if lease is None else await self._replay(query, lease, deadline)

    async def _replay(
        self, query: upstream.QueryMessagesRequest, lease: Lease, deadline: float
    ) -> protos.ReplayMessagesResponse:
        response = protos.ReplayMessagesResponse()
        confirmed: set[int] = set()
        too_large: set[str] = set()
        unreadable_pages = 0
        query.page = 1
        for _ in range(MAX_PAGES):
            try:
                texts = await self._query(query, deadline)
            except UpstreamUnreadable:
                if unreadable_pages == MAX_UNREADABLE_PAGES:
                    raise
                unreadable_pages += 1
                _pass_unreadable_page(query)
            else:
                if not texts:
                    break
                incoming = self._parse(texts, too_large)
                stored = await self._inbox.store(incoming)
                response.stored += len(stored.new_ids)
                response.duplicates += stored.duplicate_count
                # Messages that are too large or without a numeric id are not confirmed, and 1688 may still
                # list confirmed ones. If a page contains only such messages, continue with the next page.
                ids = _confirmable_ids(incoming) - confirmed
                if ids:
                    await self._confirm(sorted(ids), deadline)
                    confirmed |= ids
                else:
                    query.page += 1
            if not await lease.renew():
                break  # a page took longer than the lease, and another replica replays now
        response.too_large = len(too_large)
        return response

    def _parse(self, texts: Sequence[str], too_large: set[str]) -> list[IncomingMessage]:
        """Return the messages that can be stored. Add the ids of the others to `too_large`."""
        incoming = []
        for text in texts:
            try:
                incoming.append(self._parse_message(text.encode()))
            except MessageTooLarge as error:
                if error.message_id not in too_large:
                    too_large.add(error.message_id)
                    _skipped.labels("message").inc()
                    _log.warning("message_too_large", message_id=error.message_id, characters=len(text))
        return incoming

    async def _query(self, query: upstream.QueryMessagesRequest, deadline: float) -> Sequence[str]:
        response = await self._operations.call("QueryMessages", query, self._page_deadline(deadline))
        return upstream.QueryMessagesResponse.FromString(response).messages

    async def _confirm(self, message_ids: Sequence[int], deadline: float) -> None:
        request = upstream.ConfirmMessagesRequest(message_ids=message_ids)
        await self._operations.call("ConfirmMessages", request, self._page_deadline(deadline))

    @staticmethod
    def _page_deadline(deadline: float) -> float:
        return min(deadline, asyncio.get_running_loop().time() + PAGE_TIMEOUT_S)


def _pass_unreadable_page(query: upstream.QueryMessagesRequest) -> None:
    """Read the page in small pages. If it was one, continue with the next."""
    if query.page_size == PAGE_SIZE:
        query.page_size = SMALL_PAGE_SIZE
        query.page = (query.page - 1) * PAGE_SIZE // SMALL_PAGE_SIZE + 1
    else:
        _skipped.labels("page").inc()
        _log.warning("replay_page_skipped", page=query.page)
        query.page += 1


def _confirmable_ids(incoming: Sequence[IncomingMessage]) -> set[int]:
    """Return the ids that 1688 accepts for confirmation: integers."""
    ids = (message.message_id for message in incoming)
    return {int(text) for text in ids if text.isascii() and text.isdigit() and int(text) <= _MAX_ID}
