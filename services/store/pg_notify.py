"""Carries wake-ups between replicas, by PostgreSQL's LISTEN and NOTIFY."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import psycopg
import structlog
from sqlalchemy import text

from services.errors import StoreUnavailable
from services.store.database.postgresql import connect_args
from services.store.database.schema_migrations import parse_url
from services.store.notifier import Notifier
from services.store.store import Store

CHANNEL = "nationalsite_delivery"
BATCH_SIZE = 100
"""Keys in one notification: PostgreSQL takes 8,000 bytes."""
KEEPALIVE_INTERVAL_S = 15.0
"""After so long without a notification the connection is tried."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
"""Between attempts to listen again; each pause is twice as long as the one before, and jittered."""

_log = structlog.get_logger()


@asynccontextmanager
async def notifier_lifespan(store: Store) -> AsyncIterator[Notifier]:
    """Yield the wake-ups of a store: SQLite's stay in this process."""
    if not store.on_postgresql:
        yield Notifier()
        return
    replicas = _PgNotifier(store)
    tasks = [asyncio.create_task(replicas.listen()), asyncio.create_task(replicas.tell())]
    try:
        yield replicas.wakeups
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class _PgNotifier:
    """This replica's ear and mouth."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._name = uuid.uuid4().hex
        self._untold: set[str] = set()
        self._something = asyncio.Event()
        self.wakeups = Notifier(self._note)

    def _note(self, keys: Iterable[str]) -> None:
        self._untold.update(keys)
        self._something.set()

    async def tell(self) -> None:
        """Notify of what was noted: apart from the writes themselves, whose commits it would make queue."""
        while True:
            await self._something.wait()
            self._something.clear()
            keys, self._untold = sorted(self._untold), set()
            for first in range(0, len(keys), BATCH_SIZE):
                payload = " ".join([self._name, *keys[first : first + BATCH_SIZE]])
                try:
                    await self._store.read(
                        lambda connection, payload=payload: connection.execute(  # type: ignore[misc] # the default binds it
                            text("SELECT pg_notify(:channel, :payload)"),
                            {"channel": CHANNEL, "payload": payload},
                        )
                    )
                except StoreUnavailable:
                    # Logged where it was found. Replicas look by themselves before long.
                    continue

    async def listen(self) -> None:
        """Listen for ever; after each gap wake everybody once, since nobody knows what was missed."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    pause_s = FIRST_PAUSE_S
                    self.wakeups.wake_everybody_here()
                    await self._hear(connection)
            except (psycopg.Error, OSError) as error:
                _log.warning("listening_lost", cause=type(error).__name__, pause_s=pause_s)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 # jitter is no secret
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _hear(self, connection: "psycopg.AsyncConnection[tuple[object, ...]]") -> None:
        while True:
            async for notification in connection.notifies(timeout=KEEPALIVE_INTERVAL_S):
                sender, *keys = notification.payload.split(" ")
                if sender != self._name:
                    self.wakeups.wake_here(keys)
            await connection.execute("SELECT 1")

    async def _connect(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        url = parse_url(self._store.url)
        _, arguments = url.get_dialect()().create_connect_args(url)
        return await psycopg.AsyncConnection.connect(
            autocommit=True, **{**arguments, **connect_args(url, self._store.limits)}
        )
