"""Sends notifications between replicas, with PostgreSQL's LISTEN and NOTIFY."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import structlog
from sqlalchemy import text

from services.background_tasks import background_tasks
from services.errors import StoreUnavailable
from services.store.coordination.notifier import Notifier
from services.store.database.connect_causes import find_connect_cause
from services.store.database.engine import parse_url
from services.store.database.postgresql import READ_ONLY_QUERY, WRITABLE, build_connect_args
from services.store.database.store import Store

PG_CHANNEL = "nationalsite_store"
"""The one channel in PostgreSQL. Its notifications contain the names of Notifier channels."""
BATCH_SIZE = 100
"""Names of Notifier channels in one PostgreSQL notification, which has at most 8,000 bytes."""
KEEPALIVE_INTERVAL_S = 15.0
"""The connection is checked after this long without a notification."""
PUBLISH_INTERVAL_S = 0.025
"""Pause after each publication, to save CPU. What is notified meanwhile is published together."""
POOLED_POLL_INTERVAL_S = 1.0
"""Between two polls behind a connection pooler, where LISTEN would receive nothing."""
INITIAL_DELAY_S, MAX_DELAY_S = 0.1, 5.0
"""Delay before the listener reconnects. It doubles after each failure, with jitter."""

_log = structlog.get_logger()


@asynccontextmanager
async def notifier_lifespan(store: Store) -> AsyncIterator[Notifier]:
    """Yield the notifier of a store on PostgreSQL."""
    notifier = _PgNotifier(store)
    receive = notifier.poll if store.is_pooled else notifier.listen
    async with background_tasks(receive(), notifier.publish()):
        yield notifier


class _PgNotifier(Notifier):
    """A notifier that also notifies the other replicas, and is notified by them."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._sender_id = uuid.uuid4().hex
        self._unpublished: set[str] = set()
        self._has_unpublished = asyncio.Event()

    def notify(self, *channels: str) -> None:
        super().notify(*channels)
        if channels:
            self._unpublished.update(channels)
            self._has_unpublished.set()

    async def publish(self) -> None:
        """Publish notifications until cancelled.

        This is not part of the writes, because PostgreSQL commits transactions with NOTIFY one at a time.
        """
        try:
            while True:
                await self._has_unpublished.wait()
                await self._publish_pending()
                await asyncio.sleep(PUBLISH_INTERVAL_S)
        finally:
            await self._publish_pending()  # a replica that stops may have released messages for others

    async def _publish_pending(self) -> None:
        self._has_unpublished.clear()
        channels, self._unpublished = sorted(self._unpublished), set()
        for start in range(0, len(channels), BATCH_SIZE):
            payload = " ".join([self._sender_id, *channels[start : start + BATCH_SIZE]])
            try:
                await self._store.read(
                    lambda connection, payload=payload: connection.execute(  # type: ignore[misc] # the default binds it
                        text("SELECT pg_notify(:channel, :payload)"),
                        {"channel": PG_CHANNEL, "payload": payload},
                    )
                )
            except StoreUnavailable:
                continue  # the error is logged already, and the replicas poll

    async def poll(self) -> None:
        """Notify the waiting tasks at intervals until cancelled, in place of `listen`."""
        while True:
            await asyncio.sleep(POOLED_POLL_INTERVAL_S)
            self.notify_all_local()

    async def listen(self) -> None:
        """Receive notifications until cancelled. Reconnect if the connection is lost."""
        delay_s = INITIAL_DELAY_S
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {PG_CHANNEL}")
                    delay_s = INITIAL_DELAY_S
                    self.notify_all_local()
                    await self._receive(connection)
            except (psycopg.Error, OSError) as error:
                cause = find_connect_cause(str(error)) or type(error).__name__
                _log.warning("listen_connection_lost", cause=cause, delay_s=delay_s)
            await asyncio.sleep(delay_s * random.uniform(0.5, 1))  # noqa: S311 # jitter is not a secret
            delay_s = min(2 * delay_s, MAX_DELAY_S)

    async def _receive(self, connection: "psycopg.AsyncConnection[tuple[object, ...]]") -> None:
        while True:
            async for notification in connection.notifies(timeout=KEEPALIVE_INTERVAL_S):
                sender_id, *channels = notification.payload.split(" ")
                if sender_id != self._sender_id:
                    self.notify_local(channels)
            keepalive = await connection.execute(READ_ONLY_QUERY)
            if await keepalive.fetchone() != (WRITABLE,):
                return  # this server is no longer the primary, and nobody sends notifications there

    async def _connect(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        url = parse_url(self._store.url)
        _, url_args = url.get_dialect()().create_connect_args(url)
        return await psycopg.AsyncConnection.connect(
            autocommit=True, **{**url_args, **build_connect_args(url, self._store.limits)}
        )
