"""What the relay sends, and what an attempt's outcome means for its delivery."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

# googleapis-common-protos ships stubs, and no py.typed to say so.
from google.rpc import status_pb2  # type: ignore[import-untyped]
from nationalsite.ordersync import v1 as protos

from services.errors import InternalFault, NationalsiteError, OutcomeUnknown
from services.order_sync.deliveries import SYNC_OF
from services.order_sync.sync_sender import RELATIONS, SyncSender
from services.server import to_rich_status
from services.store import Dead, Delivered, Delivery, Outcome, Retry

SEND_S = 20.0
"""One attempt; the relay allows a little more."""
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
"""Reasons that stay, however often a sync is sent. Credentials, permissions and quotas can be mended."""
MIN_RETRY_DELAY_S = {"UPSTREAM_RATE": 10.0, "UPSTREAM_QUOTA": 300.0, "UPSTREAM_PERMISSION": 60.0}
"""Reason -> not before, where the relay's own backoff would begin too soon."""
FAULT = to_rich_status(InternalFault("internal fault"), "EnqueueSync").SerializeToString()
"""What is told of an attempt that failed by a fault of our own."""


class DeliverySender:
    """Makes one attempt of a delivery."""

    def __init__(self, syncs: SyncSender, *, repeat: bool) -> None:
        """`repeat`: syncs are upserts, and one whose outcome is not known may be sent again."""
        self._syncs = syncs
        self._incurable = PERMANENT_ERRORS if repeat else PERMANENT_ERRORS | {OutcomeUnknown.reason}
        self._repeat = repeat

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Send what is still to be sent of a delivery."""
        structlog.contextvars.clear_contextvars()
        deadline = asyncio.get_running_loop().time() + SEND_S
        request = SYNC_OF[delivery.rpc].FromString(delivery.payload)
        if delivery.interrupted and not self._repeat:
            return self._failed(delivery.rpc, OutcomeUnknown("the last attempt ended, and nobody knows how"))
        try:
            if delivery.rpc == RELATIONS:
                return await self._relations(delivery, request, deadline)
            await self._syncs.send(delivery.rpc, request, deadline)
        except NationalsiteError as error:
            return self._failed(delivery.rpc, error)
        return Delivered()

    async def _relations(
        self, delivery: Delivery, request: protos.WriteOrderRelationsRequest, deadline: float
    ) -> Outcome:
        """Send the relations that are not accepted yet; keep what became of each."""
        results = _results(delivery, len(request.relations))
        left = [index for index, result in enumerate(results) if result is None or result.code]
        part = protos.WriteOrderRelationsRequest(relations=[request.relations[index] for index in left])
        outcomes = await self._syncs.relations(part, deadline)
        for index, outcome in zip(left, outcomes, strict=True):
            results[index] = self._syncs.told(RELATIONS, outcome)
        told = protos.WriteOrderRelationsResponse(results=results).SerializeToString()
        failures = [outcome for outcome in outcomes if outcome is not None]
        if not failures:
            return Delivered(results=told)
        # One that may still succeed keeps the delivery alive; the refused ones go along.
        worst = next((one for one in failures if one.reason not in self._incurable), failures[0])
        return self._failed(RELATIONS, worst, results=told)

    def _failed(self, rpc: str, error: NationalsiteError, *, results: bytes | None = None) -> Outcome:
        told = self._syncs.told(rpc, error).SerializeToString()
        if error.reason in self._incurable:
            return Dead(error=told, results=results)
        pause_s = MIN_RETRY_DELAY_S.get(error.reason, 0.0)
        return Retry(error=told, retry_after_s=pause_s, unclear=error.may_have_executed, results=results)


def _results(delivery: Delivery, count: int) -> list[Any]:
    """Return what became of each relation so far; None where it was not sent."""
    known: Sequence[status_pb2.Status] = ()
    if delivery.results is not None:
        known = protos.WriteOrderRelationsResponse.FromString(delivery.results).results
    return [*known] if known else [None] * count
