"""U+0000, which PostgreSQL's texts cannot contain: in requests it is rejected, in messages it is replaced."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from services.store import migrate
from tests.e2e.conftest import RpcClient, StartDedicated
from tests.support.callbacks import push
from tests.support.consumers import ack, create_subscription, pull
from tests.support.postgres import postgres_server
from tests.support.status_details import parse_status_details
from tools.local_stack import RunningProcess

NUL = "a\0b"
SYNC = {"request_id": str(uuid.uuid4())}
SUBSCRIPTION = {"subscription": "s"}
RELATION = {"national_order_id": "1", "cbu_order_id": "2"}
REQUESTS: list[tuple[str, dict[str, Any], str]] = [
    # RPC, request, path of the text with U+0000, which the store would store or look for
    ("EnqueueSync", SYNC | {"relations": {"relations": [RELATION]}, "ordering_key": NUL}, "ordering_key"),
    (
        "EnqueueSync",
        SYNC | {"relations": {"relations": [RELATION, RELATION | {"national_order_id": NUL}]}},
        "relations.relations[1].national_order_id",
    ),
    ("SyncOrderStatus", {"order_status": {"national_order_id": NUL}}, "order_status.national_order_id"),
    ("ListDeliveries", {"ordering_key": NUL}, "ordering_key"),
    ("ListDeliveries", {"page_token": NUL}, "page_token"),
    ("PullMessages", SUBSCRIPTION | {"create_if_missing": {"topics": [NUL]}}, "create_if_missing.topics[0]"),
    ("RequeueMessages", SUBSCRIPTION | {"message_ids": ["a", NUL]}, "message_ids[1]"),
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def order_sync(
    request: pytest.FixtureRequest, start_dedicated: StartDedicated
) -> Iterator[tuple[RunningProcess, RpcClient]]:
    if request.param == "sqlite":
        yield start_dedicated("order_sync", "open-platform")
        return
    with postgres_server() as server:
        migrate(server.url())
        yield start_dedicated("order_sync", "open-platform", {"NATIONALSITE_DATABASE_URL": server.url()})


@pytest.mark.slow
def test_a_request_with_nul_is_rejected_by_the_path_of_the_text(
    order_sync: tuple[RunningProcess, RpcClient],
) -> None:
    for rpc, request, path in REQUESTS:
        with pytest.raises(grpc.RpcError) as caught:
            order_sync[1].call(rpc, "open-platform", request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, (rpc, path)
        details = parse_status_details(caught.value)
        assert details["ErrorInfo"].reason == "ERROR_REASON_INVALID_REQUEST"
        assert path in [violation.field for violation in details["BadRequest"].field_violations]


@pytest.mark.slow
def test_a_message_with_nul_is_stored_and_delivered(order_sync: tuple[RunningProcess, RpcClient]) -> None:
    """1688 has signed it. If it were rejected, it would be lost."""
    message = {"msgId": uuid.uuid4().int % 10**15, "type": NUL, "userInfo": NUL, "data": {NUL: NUL}}
    texts = [
        json.dumps(message),
        json.dumps({**message, "msgId": NUL}),
        f'{{"msgId": "\0", "type": "{NUL}"}}',
    ]
    with grpc.insecure_channel(order_sync[0].address) as channel:
        stub = OrderSyncServiceStub(channel)
        create_subscription(stub, "all")
        create_subscription(stub, "topic", topics=["a\ufffdb"])
        for text in texts * 2:
            assert push(order_sync[0].callback, text) == 200
        received = pull(stub, "all")
        assert [each.message.raw_json for each in received] == texts
        assert [(each.message.topic, each.message.member_id) for each in received[:2]] == [(NUL, NUL)] * 2
        assert received[1].message.message_id == "a\ufffdb"
        assert ack(stub, "all", *received) == []
        assert [each.message.raw_json for each in pull(stub, "topic")] == texts[:2]
