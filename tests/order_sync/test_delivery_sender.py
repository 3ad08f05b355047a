"""DeliverySender: which outcome of an attempt makes a delivery delivered, dead or retried."""

from typing import Any

import pytest
from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.adapter.codec import Dialect, compile_service
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
from services.order_sync.delivery_sender import MIN_RETRY_DELAY_S, PERMANENT_ERRORS, DeliverySender
from services.order_sync.full_order_merger import FullOrderMerger
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.server.status import STATUS_BY_REASON
from services.store import DeadOutcome, DeliveredOutcome, Delivery, FullOrderKind, RetryOutcome, State

SERVICE = protos.ORDER_SYNC_SERVICE
REQUEST = protos.SyncOrderRequest(order=protos.Order(national_order_id="1"))


class Gateway:
    """Responds to each call with the next response; the last one is repeated."""

    def __init__(self, *responses: Any) -> None:
        self.responses = list(responses)
        self.calls = 0

    async def call(self, api_id: str, form: dict[str, str], **rest: Any) -> UpstreamResponse:
        self.calls += 1
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return UpstreamResponse(value=response, request_id="r-1")

    def secrets(self) -> tuple[str, ...]:
        return ()


class Orders:
    """A store of full orders that holds nothing."""

    async def put(self, order: Any) -> None:
        raise AssertionError("nothing is to be kept")

    async def get(self, kind: FullOrderKind, full_order_id: str) -> Any:
        raise AssertionError("nothing is to be read")


def delivery(rpc: str, request: Any, **more: Any) -> Delivery:
    return Delivery(
        **{
            "delivery_id": "d-1",
            "caller": "",
            "request_id": "r-1",
            "rpc": rpc,
            "payload": request.SerializeToString(),
            "ordering_key": "1",
            "state": State.PENDING,
            "attempts": 1,
            "last_error": None,
            "progress": None,
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
    operations = OperationClient(compile_service(SERVICE, dialect), gateway, non_idempotent=non_idempotent)
    full = FullOrderMerger(Orders(), orders=False, logistics_orders=False)
    return DeliverySender(SyncSender(operations, full), retry_unknown=retry_unknown), gateway


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectError("no connection"), RetryOutcome),
        (ConnectionLost("broken"), RetryOutcome),
        (UpstreamFault("503"), RetryOutcome),
        (UpstreamUnreadable("no JSON"), RetryOutcome),
        (UpstreamRate("often"), RetryOutcome),
        (UpstreamQuota("none left"), RetryOutcome),
        (UpstreamPermission("not allowed"), RetryOutcome),
        (UpstreamUnsupported("no such API"), DeadOutcome),
        (UpstreamRefused("UPSTREAM_REFUSED", "no"), DeadOutcome),
        (UpstreamRefused("UPSTREAM_STATE", "no"), DeadOutcome),
        (UpstreamRefused("UPSTREAM_FAULT", "their own"), RetryOutcome),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "reason", value.__class__.__name__),
)
async def test_transient_errors_are_retried(error: NationalsiteError, outcome: type) -> None:
    send, _ = build_sender(error)
    actual = await send(delivery("SyncOrder", REQUEST))
    assert type(actual) is outcome
    if isinstance(actual, RetryOutcome):
        assert actual.retry_after_s == MIN_RETRY_DELAY_S.get(error.reason, 0.0)
        assert actual.outcome_unknown is error.may_have_executed


async def test_a_success_is_delivered() -> None:
    send, _ = build_sender({"success": True, "data": True})
    assert await send(delivery("SyncOrder", REQUEST)) == DeliveredOutcome()


async def test_unknown_outcome_is_dead_if_syncs_must_not_be_retried() -> None:
    send, gateway = build_sender(ConnectionLost("broken"), retry_unknown=False)
    assert type(await send(delivery("SyncOrder", REQUEST))) is DeadOutcome
    assert type(await send(delivery("SyncOrder", REQUEST, previous_outcome_unknown=True))) is DeadOutcome
    assert gateway.calls == 1
    send, _ = build_sender(ConnectError("no connection"), retry_unknown=False)
    assert type(await send(delivery("SyncOrder", REQUEST))) is RetryOutcome


def relations(count: int) -> protos.WriteOrderRelationsRequest:
    return protos.WriteOrderRelationsRequest(
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
    assert [result.code for result in results] == [
        0,
        STATUS_BY_REASON["UPSTREAM_REFUSED"].value[0],
        STATUS_BY_REASON["OUTCOME_UNKNOWN"].value[0],
    ]
    gateway.responses, gateway.calls = [accepted], 0
    second = await send(delivery("WriteOrderRelations", relations(3), results=first.results))
    assert isinstance(second, DeliveredOutcome)
    assert gateway.calls == 2
    assert [
        each.code for each in protos.WriteOrderRelationsResponse.FromString(second.results or b"").results
    ] == [0] * 3


async def test_delivery_is_dead_if_all_relations_are_refused() -> None:
    send, _ = build_sender({"success": False})
    actual = await send(delivery("WriteOrderRelations", relations(2)))
    assert isinstance(actual, DeadOutcome)
    assert len(protos.WriteOrderRelationsResponse.FromString(actual.results or b"").results) == 2


def test_every_configured_reason_exists() -> None:
    assert STATUS_BY_REASON.keys() >= PERMANENT_ERRORS | MIN_RETRY_DELAY_S.keys() | {OutcomeUnknown.reason}
