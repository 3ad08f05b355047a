"""Shows how much waits in the store, and for how long: messages by subscription, and deliveries."""

import asyncio
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge
from sqlalchemy import func, select

from services.errors import StoreUnavailable
from services.store.database.schema import deliveries
from services.store.inbox.subscriptions import select_backlog
from services.store.store import Store

_OF = ("caller", "subscription")
_backlog = Gauge(
    "nationalsite_messages_backlog",
    "Messages that a subscription has not acknowledged; dead ones are not among them.",
    _OF,
)
_oldest_message = Gauge(
    "nationalsite_message_oldest_age_seconds",
    "Age of the oldest message of the backlog by 1688's time; 0 without a backlog.",
    _OF,
)
_dead_messages = Gauge(
    "nationalsite_messages_dead", "Messages handed out too often; RequeueMessages or retention ends it.", _OF
)
_pending = Gauge("nationalsite_deliveries_pending", "Deliveries that 1688 has not accepted yet.")
_oldest_delivery = Gauge(
    "nationalsite_delivery_oldest_age_seconds", "Time since the oldest pending delivery was enqueued; or 0."
)
_dead_deliveries = Gauge(
    "nationalsite_deliveries_dead", "Deliveries given up; RetryDelivery or retention ends it."
)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogMetricsLimits:
    """How the looking goes about."""

    every_s: float = 15.0
    """Counting reads the whole backlog: metrics are older than the store by up to this."""


class BacklogMetrics:
    """Looks now and then. Replicas on one store show the same: take the highest, not the sum."""

    def __init__(
        self, store: Store, most_deliveries: int, limits: BacklogMetricsLimits | None = None
    ) -> None:
        self._store = store
        self._most_deliveries = most_deliveries
        self._limits = limits or BacklogMetricsLimits()

    async def look_for_ever(self) -> None:
        """Look until cancelled. While the store is away, the metrics stay what they were."""
        while True:
            try:
                await self.look()
            except StoreUnavailable:
                _log.info("depth_unknown")
            except Exception as error:
                _log.exception("depth_fault", exc_info=error)  # a fault of ours must not end it for good
            await asyncio.sleep(self._limits.every_s)

    async def look(self) -> None:
        """Set the metrics. Raises StoreUnavailable."""
        now_ms = self._store.clock()
        backlogs = select_backlog(now_ms, self._most_deliveries)
        states = select(deliveries.c.state, func.count(), func.min(deliveries.c.create_ms)).where(
            deliveries.c.state.in_(("PENDING", "DEAD"))
        )
        found = await self._store.read(lambda connection: connection.execute(backlogs))
        of_states = await self._store.read(
            lambda connection: connection.execute(states.group_by(deliveries.c.state))
        )
        for gauge in (_backlog, _oldest_message, _dead_messages):
            gauge.clear()  # deleted subscriptions have no depth
        for row in found:
            labels = (row.caller, row.name)
            _backlog.labels(*labels).set(row.backlog)
            _oldest_message.labels(*labels).set(_age_s(now_ms, row.oldest_born_ms))
            _dead_messages.labels(*labels).set(row.dead)
        counts = {state: (count, oldest_ms) for state, count, oldest_ms in of_states}
        pending, oldest_ms = counts.get("PENDING", (0, None))
        _pending.set(pending)
        _oldest_delivery.set(_age_s(now_ms, oldest_ms))
        _dead_deliveries.set(counts.get("DEAD", (0, None))[0])


def _age_s(now_ms: int, then_ms: int | None) -> float:
    return 0.0 if then_ms is None else max(0, now_ms - then_ms) / 1000
