"""Sends a delivery once, and returns whether it is delivered, dead or to be retried."""

import asyncio
from collections.abc import Sequence
from typing import Any

from nationalsite.errors.v1 import RETRY_NEVER
from nationalsite.ordersync import v1 as protos

from services.caller import set_queue_owner
from services.errors import ErrorOrigin, InternalFault, NationalsiteError, OutcomeUnknown
from services.log_fields import clear_log_fields
from services.order_sync.delivery_payloads import build_request, parse_payload
from services.order_sync.sync_sender import RELATIONS, SyncSender
from services.server import REASON_RULES, to_rich_status
from services.store import DeadOutcome, DeliveredOutcome, Delivery, Outcome, RetryOutcome

SEND_TIMEOUT_S = 20.0
"""Deadline of one attempt. It must be less than the relay's `send_timeout_s`."""
FIXABLE_ERRORS = frozenset(
    {
        "UPSTREAM_CREDENTIAL",
        "UPSTREAM_GATEWAY",
        "UPSTREAM_PERMISSION",
        "UPSTREAM_QUOTA",
        "UPSTREAM_SIGNATURE",
        "UPSTREAM_UNREADABLE",
    }
)
"""Reasons whose rule is RETRY_NEVER, but whose cause an operator can solve while the delivery is retried."""
PERMANENT_ERRORS = {
    reason for reason, rule in REASON_RULES.items() if rule.retry == RETRY_NEVER
} - FIXABLE_ERRORS
"""Reasons of errors that make a delivery dead."""
MIN_RETRY_DELAY_S = {"UPSTREAM_RATE": 10.0, "UPSTREAM_QUOTA": 300.0, "UPSTREAM_PERMISSION": 60.0}
"""Reason -> minimum delay of a retry. For other reasons the relay's own delays are long enough."""
INTERNAL_ERROR = to_rich_status(
    InternalFault("internal fault"), ErrorOrigin("EnqueueSync")
).SerializeToString()
"""The last error of a delivery whose attempt raised an unexpected exception."""


class DeliverySender:
    """Sends deliveries for the relay."""

    def __init__(self, syncs: SyncSender, *, retry_unknown: bool) -> None:
        """`retry_unknown`: whether to send again after an unknown outcome; if not, the delivery is dead."""
        self._syncs = syncs
        self._permanent_errors = (
            PERMANENT_ERRORS if retry_unknown else PERMANENT_ERRORS | {OutcomeUnknown.reason}
        )
        self._retry_unknown = retry_unknown

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Send the delivery, or the relations in it that 1688 has not accepted yet."""
        clear_log_fields()
        # The deliveries of a caller have turns of their own. Behind its other calls they would keep places of
        # the relay, which the deliveries of other callers need.
        set_queue_owner(("deliveries", delivery.caller))
        deadline = asyncio.get_running_loop().time() + SEND_TIMEOUT_S
        request = build_request(delivery.rpc, parse_payload(delivery.rpc, delivery.payload))
        if delivery.previous_outcome_unknown and not self._retry_unknown:
            return self._failed_outcome(
                delivery.rpc, OutcomeUnknown("the outcome of the last attempt is unknown")
            )
        try:
            if delivery.rpc == RELATIONS:
                return await self._send_relations(delivery, request, deadline)
            await self._syncs.send(delivery.rpc, request, deadline)
        except NationalsiteError as error:
            return self._failed_outcome(delivery.rpc, error)
        return DeliveredOutcome()

    async def _send_relations(
        self, delivery: Delivery, request: protos.WriteOrderRelationsRequest, deadline: float
    ) -> Outcome:
        """Send the relations that 1688 has not accepted yet; keep the result of each."""
        results = _results(delivery, len(request.relations))
        pending = [index for index, result in enumerate(results) if result is None or result.status.code]
        remaining = protos.WriteOrderRelationsRequest(
            relations=[request.relations[index] for index in pending]
        )
        outcomes = await self._syncs.write_relations(remaining, deadline)
        for index, outcome in zip(pending, outcomes, strict=True):
            results[index] = self._syncs.to_result(outcome)
        serialized = protos.WriteOrderRelationsResponse(results=results).SerializeToString()
        failures = [outcome for outcome in outcomes if outcome is not None]
        if not failures:
            return DeliveredOutcome(results=serialized)
        # A relation that may still succeed keeps the delivery pending.
        error = next(
            (failure for failure in failures if failure.reason not in self._permanent_errors), failures[0]
        )
        return self._failed_outcome(RELATIONS, error, results=serialized)

    def _failed_outcome(self, rpc: str, error: NationalsiteError, *, results: bytes | None = None) -> Outcome:
        status = self._syncs.to_status(rpc, error).SerializeToString()
        if error.reason in self._permanent_errors:
            return DeadOutcome(error=status, results=results)
        delay_s = MIN_RETRY_DELAY_S.get(error.reason, 0.0)
        return RetryOutcome(
            error=status, retry_after_s=delay_s, outcome_unknown=error.may_have_executed, results=results
        )


def _results(delivery: Delivery, count: int) -> list[Any]:
    """Return the last result of each relation; only None values if the delivery has no results yet."""
    known: Sequence[protos.OrderRelationResult] = ()
    if delivery.results is not None:
        known = protos.WriteOrderRelationsResponse.FromString(delivery.results).results
    return [*known] if known else [None] * count
