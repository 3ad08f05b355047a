"""Sends a delivery once, and returns whether it is delivered, dead or to be retried."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from google.rpc import status_pb2
from nationalsite.ordersync import v1 as protos

from services.errors import InternalFault, NationalsiteError, OutcomeUnknown
from services.order_sync.deliveries import REQUEST_CLASSES
from services.order_sync.sync_sender import RELATIONS, SyncSender
from services.server import to_rich_status
from services.store import DeadOutcome, DeliveredOutcome, Delivery, Outcome, RetryOutcome

SEND_TIMEOUT_S = 20.0
"""Deadline of one attempt. It must be less than the relay's `send_timeout_s`."""
PERMANENT_ERRORS = frozenset(
    {
        "INVALID_REQUEST",
        "REQUIRED_IN_DIALECT",
        "NOT_IN_DIALECT",
        "NO_FULL_SYNC",
        "PURCHASE_ORDER_NOT_FOUND",
        "UPSTREAM_ARGUMENT",
        "UPSTREAM_NOT_OWNED",
        "UPSTREAM_REFUSED",
        "UPSTREAM_STATE",
        "UPSTREAM_UNSUPPORTED",
    }
)
"""Reasons that are not retried. Problems of credentials, permissions and quotas can be fixed meanwhile."""
MIN_RETRY_DELAY_S = {"UPSTREAM_RATE": 10.0, "UPSTREAM_QUOTA": 300.0, "UPSTREAM_PERMISSION": 60.0}
"""Reason -> minimum delay of a retry, if it is longer than the relay's first delays."""
INTERNAL_ERROR = to_rich_status(InternalFault("internal fault"), "EnqueueSync").SerializeToString()
"""The last error of a delivery whose attempt raised an unexpected exception."""


class DeliverySender:
    """Sends deliveries for the relay."""

    def __init__(self, syncs: SyncSender, *, retry_unknown: bool) -> None:
        """`retry_unknown`: send again if the outcome of an attempt is unknown; else the delivery is dead."""
        self._syncs = syncs
        self._permanent_errors = (
            PERMANENT_ERRORS if retry_unknown else PERMANENT_ERRORS | {OutcomeUnknown.reason}
        )
        self._retry_unknown = retry_unknown

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Send the delivery, or the relations in it that 1688 has not accepted yet."""
        structlog.contextvars.clear_contextvars()
        deadline = asyncio.get_running_loop().time() + SEND_TIMEOUT_S
        request = REQUEST_CLASSES[delivery.rpc].FromString(delivery.payload)
        if delivery.previous_outcome_unknown and not self._retry_unknown:
            return self._failed(delivery.rpc, OutcomeUnknown("the outcome of the last attempt is unknown"))
        try:
            if delivery.rpc == RELATIONS:
                return await self._send_relations(delivery, request, deadline)
            await self._syncs.send(delivery.rpc, request, deadline)
        except NationalsiteError as error:
            return self._failed(delivery.rpc, error)
        return DeliveredOutcome()

    async def _send_relations(
        self, delivery: Delivery, request: protos.WriteOrderRelationsRequest, deadline: float
    ) -> Outcome:
        """Send the relations that 1688 has not accepted yet; keep the result of each."""
        results = _results(delivery, len(request.relations))
        pending = [index for index, result in enumerate(results) if result is None or result.code]
        remaining = protos.WriteOrderRelationsRequest(
            relations=[request.relations[index] for index in pending]
        )
        outcomes = await self._syncs.write_relations(remaining, deadline)
        for index, outcome in zip(pending, outcomes, strict=True):
            results[index] = self._syncs.to_status(RELATIONS, outcome)
        serialized = protos.WriteOrderRelationsResponse(results=results).SerializeToString()
        failures = [outcome for outcome in outcomes if outcome is not None]
        if not failures:
            return DeliveredOutcome(results=serialized)
        # A relation that may still succeed keeps the delivery pending.
        error = next(
            (failure for failure in failures if failure.reason not in self._permanent_errors), failures[0]
        )
        return self._failed(RELATIONS, error, results=serialized)

    def _failed(self, rpc: str, error: NationalsiteError, *, results: bytes | None = None) -> Outcome:
        status = self._syncs.to_status(rpc, error).SerializeToString()
        if error.reason in self._permanent_errors:
            return DeadOutcome(error=status, results=results)
        delay_s = MIN_RETRY_DELAY_S.get(error.reason, 0.0)
        return RetryOutcome(
            error=status, retry_after_s=delay_s, outcome_unknown=error.may_have_executed, results=results
        )


def _results(delivery: Delivery, count: int) -> list[Any]:
    """Return the last result of each relation; None if it was not sent."""
    known: Sequence[status_pb2.Status] = ()
    if delivery.results is not None:
        known = protos.WriteOrderRelationsResponse.FromString(delivery.results).results
    return [*known] if known else [None] * count
