"""Metrics of the backlog: how many messages and deliveries wait, and for how long."""

from prometheus_client import Gauge
from sqlalchemy import func, select

from services.store.database.schema import deliveries
from services.store.database.store import Store
from services.store.idempotency.keys import IdempotencyKeys
from services.store.inbox.subscriptions import select_backlogs
from services.store.outbox.delivery import State

_LABELS = ("caller", "subscription")
_messages_backlog = Gauge(
    "nationalsite_messages_backlog",
    "Messages of a subscription that are neither acknowledged nor dead.",
    _LABELS,
)
_oldest_message_age = Gauge(
    "nationalsite_message_oldest_age_seconds",
    "Age of the oldest message of the backlog, by 1688's time. 0 without a backlog.",
    _LABELS,
)
_dead_messages = Gauge(
    "nationalsite_messages_dead",
    "Messages that were delivered too often without an acknowledgement. RequeueMessages requeues them.",
    _LABELS,
)
_pending_deliveries = Gauge("nationalsite_deliveries_pending", "Deliveries that 1688 has not accepted yet.")
_oldest_delivery_age = Gauge(
    "nationalsite_delivery_oldest_age_seconds",
    "Time since the oldest pending delivery was enqueued. 0 without pending deliveries.",
)
_dead_deliveries = Gauge(
    "nationalsite_deliveries_dead", "Deliveries that failed permanently. RetryDelivery retries them."
)
_unknown_creations = Gauge(
    "nationalsite_creations_unknown",
    "Creations of purchase orders whose outcome is unknown. Retries of the calls look for the orders.",
)


class BacklogMetrics:
    """Updates the metrics. Replicas with the same store report the same values: take their max, not sum."""

    def __init__(self, store: Store, idempotency_keys: IdempotencyKeys, max_delivery_attempts: int) -> None:
        self._store = store
        self._idempotency_keys = idempotency_keys
        self._max_delivery_attempts = max_delivery_attempts

    async def update(self) -> None:
        """Set the metrics. If this raises StoreUnavailable, they keep their values."""
        now_ms = self._store.clock()
        select_subscriptions = select_backlogs(now_ms, self._max_delivery_attempts)
        subscriptions = await self._store.read(lambda connection: connection.execute(select_subscriptions))
        states = await self._store.read(lambda connection: connection.execute(_SELECT_STATES))
        unknown_creations = await self._idempotency_keys.count_unknown()
        for gauge in (_messages_backlog, _oldest_message_age, _dead_messages):
            gauge.clear()  # else deleted subscriptions would keep their last values
        for row in subscriptions:
            labels = (row.caller, row.name)
            _messages_backlog.labels(*labels).set(row.backlog)
            _oldest_message_age.labels(*labels).set(_age_s(now_ms, row.oldest_event_time_ms))
            _dead_messages.labels(*labels).set(row.dead_messages)
        by_state = {state: (count, oldest_ms) for state, count, oldest_ms in states}
        pending_count, oldest_ms = by_state.get(State.PENDING, (0, None))
        dead_count, _ = by_state.get(State.DEAD, (0, None))
        _pending_deliveries.set(pending_count)
        _oldest_delivery_age.set(_age_s(now_ms, oldest_ms))
        _dead_deliveries.set(dead_count)
        _unknown_creations.set(unknown_creations)


# The index of states has all columns of the subquery, so that the rows with their payloads are not read.
_states = (
    select(deliveries.c.state, func.count().label("count"), func.min(deliveries.c.seq).label("first_seq"))
    .where(deliveries.c.state.in_((State.PENDING, State.DEAD)))
    .group_by(deliveries.c.state)
    .subquery()
)
_SELECT_STATES = select(_states.c.state, _states.c.count, deliveries.c.create_time_ms).join(
    deliveries, deliveries.c.seq == _states.c.first_seq
)


def _age_s(now_ms: int, time_ms: int | None) -> float:
    return 0.0 if time_ms is None else max(0, now_ms - time_ms) / 1000
