"""DeliverySender: which outcome of an attempt makes a delivery delivered, dead or retried."""

from collections.abc import Hashable
from typing import Any

import pytest
from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.adapter.codec import Dialect
from services.adapter.gateway import UpstreamResponse
from services.errors import (
    ConnectError,
    ConnectionLost,
    NationalsiteError,
    OutcomeUnknown,
    UpstreamFault,
    UpstreamPermission,
    UpstreamQuota,
    UpstreamRate,
    UpstreamRefused,
    UpstreamUnreadable,
    UpstreamUnsupported,
)
from services.order_sync.delivery_sender import (
    FIXABLE_ERRORS,
    MIN_RETRY_DELAY_S,
    PERMANENT_ERRORS,
    DeliverySender,
)
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.server import REASON_RULES
from services.store import DeadOutcome, DeliveredOutcome, Delivery, RetryOutcome, State
from tests.support.compiled_operations import compile_once

SERVICE = protos.ORDER_SYNC_SERVICE
ORDER = protos.Order(national_order_id="1")


class Gateway:
    """Responds to each call with the next response; the last one is repeated."""

    def __init__(self, *responses: Any) -> None:
        self.responses = list(responses)
        self.calls = 0
        self.queue_owners: set[Hashable] = set()

    async def call(self, api_id: str, form: dict[str, str], **rest: Any) -> UpstreamResponse:
        self.calls += 1
        self.queue_owners.add(rest["queue_owner"])
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return UpstreamResponse(value=response, request_id="r-1")

    def secrets(self) -> tuple[str, ...]:
        return ()


class NoFullOrderSyncs:
    """In the national-site dialect, no full order is stored."""

    async def run(self, sync: Any, deadline: float) -> bytes:
        raise AssertionError("nothing is to be stored")


def delivery(rpc: str, payload: Any, **more: Any) -> Delivery:
    return Delivery(
        **{
            "delivery_id": "d-1",
            "caller": "",
            "request_id": "r-1",
            "rpc": rpc,
            "payload": payload.SerializeToString(),
            "ordering_key": "1",
            "ordering_group": "order:1",
            "state": State.PENDING,
            "attempts": 1,
            "last_error": None,
            "results": None,
            "create_time_ms": 0,
            "last_attempt_time_ms": 0,
            "next_attempt_time_ms": 0,
            "finish_time_ms": None,
        }
        | more
    )


def build_sender(
    *responses: Any, dialect: Dialect = Dialect.NATIONAL_SITE, retry_unknown: bool = True
) -> tuple[DeliverySender, Gateway]:
    gateway = Gateway(*responses)
    non_idempotent = () if retry_unknown else ORDERING_KEYS.keys()
    operations = OperationClient(compile_once(SERVICE, dialect), gateway, non_idempotent=non_idempotent)
    return DeliverySender(SyncSender(operations, NoFullOrderSyncs()), retry_unknown=retry_unknown), gateway


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectError("no connection"), RetryOutcome),
        (ConnectionLost("broken"), RetryOutcome),
        (UpstreamFault("503"), RetryOutcome),
        (UpstreamUnreadable("no JSON"), RetryOutcome),
        (UpstreamRate("often"), RetryOutcome),
        (UpstreamQuota("none left", code="gw.NoUsageLeftError"), RetryOutcome),
        (UpstreamPermission("not allowed", code="gw.APIACLDecline"), RetryOutcome),
        (UpstreamUnsupported("no such API", code="gw.APIUnsupported"), DeadOutcome),
        (UpstreamRefused("UPSTREAM_REFUSED", "no"), DeadOutcome),
        (UpstreamRefused("UPSTREAM_STATE", "no"), DeadOutcome),
        (UpstreamRefused("UPSTREAM_FAULT", "their own"), RetryOutcome),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "reason", value.__class__.__name__),
)
async def test_transient_errors_are_retried(error: NationalsiteError, outcome: type) -> None:
    send, _ = build_sender(error)
    actual = await send(delivery("SyncOrder", ORDER))
    assert type(actual) is outcome
    if isinstance(actual, RetryOutcome):
        assert actual.retry_after_s == MIN_RETRY_DELAY_S.get(error.reason, 0.0)
        assert actual.outcome_unknown is error.may_have_executed


async def test_a_success_is_delivered() -> None:
    send, _ = build_sender({"success": True, "data": True})
    assert await send(delivery("SyncOrder", ORDER)) == DeliveredOutcome()


async def test_the_deliveries_of_a_caller_have_turns_of_their_own() -> None:
    send, gateway = build_sender({"success": True, "data": True})
    for caller in ("one", "other"):
        await send(delivery("SyncOrder", ORDER, caller=caller))
    assert gateway.queue_owners == {("deliveries", "one"), ("deliveries", "other")}


async def test_unknown_outcome_is_dead_if_syncs_must_not_be_retried() -> None:
    send, gateway = build_sender(ConnectionLost("broken"), retry_unknown=False)
    assert type(await send(delivery("SyncOrder", ORDER))) is DeadOutcome
    assert type(await send(delivery("SyncOrder", ORDER, previous_outcome_unknown=True))) is DeadOutcome
    assert gateway.calls == 1
    send, _ = build_sender(ConnectError("no connection"), retry_unknown=False)
    assert type(await send(delivery("SyncOrder", ORDER))) is RetryOutcome


def relations(count: int) -> protos.OrderRelations:
    return protos.OrderRelations(
        relations=[
            protos.OrderRelation(
                national_order_id="1",
                national_sub_order_id=f"1{number}",
                cbu_order_id=9,
                cbu_order_entry_id=90 + number,
            )
            for number in range(count)
        ]
    )


async def test_only_failed_relations_are_sent_again() -> None:
    accepted, rejected = ({"result": {"success": yes}} for yes in (True, False))
    send, gateway = build_sender(accepted, rejected, ConnectionLost("broken"), dialect=Dialect.OPEN_PLATFORM)
    first = await send(delivery("WriteOrderRelations", relations(3)))
    assert isinstance(first, RetryOutcome)
    results = protos.WriteOrderRelationsResponse.FromString(first.results or b"").results
    assert [result.status.code for result in results] == [
        0,
        REASON_RULES["UPSTREAM_REFUSED"].status.value[0],
        REASON_RULES["OUTCOME_UNKNOWN"].status.value[0],
    ]
    gateway.responses, gateway.calls = [accepted], 0
    second = await send(delivery("WriteOrderRelations", relations(3), results=first.results))
    assert isinstance(second, DeliveredOutcome)
    assert gateway.calls == 2
    assert [
        each.status.code
        for each in protos.WriteOrderRelationsResponse.FromString(second.results or b"").results
    ] == [0] * 3


async def test_delivery_is_dead_if_all_relations_are_refused() -> None:
    send, _ = build_sender({"success": False})
    actual = await send(delivery("WriteOrderRelations", relations(2)))
    assert isinstance(actual, DeadOutcome)
    assert len(protos.WriteOrderRelationsResponse.FromString(actual.results or b"").results) == 2


def test_every_configured_reason_exists() -> None:
    assert REASON_RULES.keys() >= FIXABLE_ERRORS | MIN_RETRY_DELAY_S.keys() | {OutcomeUnknown.reason}
    assert not PERMANENT_ERRORS & MIN_RETRY_DELAY_S.keys()
