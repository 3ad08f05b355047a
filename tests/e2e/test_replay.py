"""What 1688 could not push: kept there, asked for, stored, confirmed, and handed out like any message."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.replay import v1 as upstream

from services.adapter import AdapterSettings, operations_lifespan
from tests.e2e.consumer import WITHIN_S, Stream, ack, pull
from tests.support.sample_cases import REPLAY, RequestCase, request_cases
from tools.local_stack import RunningProcess, start_service, stop

EVERY_DIALECT = pytest.mark.parametrize("dialect", ["national-site", "open-platform"])
CASES = {case.rpc: case for case in request_cases() if case.rpc in REPLAY.methods_by_name}
QUERY, CONFIRM = "push.query.messageList", "push.message.confirm"
MADE, PAID, SHIPPED = (
    f"ORDER_BUYER_VIEW_{event}" for event in ("BUYER_MAKE", "ORDER_PAY", "ANNOUNCE_SENDGOODS")
)
REFUSAL = {"status": 200, "json": {"isSuccess": False, "errorCode": "E1", "errorMessage": "no"}}


class Consumer:
    """Replays, and reads what came by that, from a subscription of its own."""

    def __init__(self, stub: OrderSyncServiceStub) -> None:
        self.stub = stub
        self.subscription = f"replay-{uuid.uuid4().hex[:12]}"
        pull(stub, self.subscription)

    def replay(self, **only: Any) -> tuple[int, int]:
        """Return how many messages were stored, and how many had been before."""
        request = ParseDict(only, protos.ReplayMessagesRequest())
        answer = self.stub.ReplayMessages(request, timeout=WITHIN_S)
        return answer.stored, answer.duplicates

    def topics(self, wait_s: int = 0) -> list[str]:
        """Take and acknowledge everything that is there, and return its topics."""
        found = []
        while messages := pull(self.stub, self.subscription, wait_s=0 if found else wait_s):
            ack(self.stub, self.subscription, *messages)
            found += [message.topic for message in messages]
        return found


@pytest.fixture(scope="module")
def own_stub(running_sandbox: RunningProcess) -> Iterator[OrderSyncServiceStub]:
    """Of a service whose replays may fail."""
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0"}
    service = start_service("order_sync", running_sandbox.address, settings, log="test-replay")
    with grpc.insecure_channel(service.address) as channel:
        yield OrderSyncServiceStub(channel)
    assert stop(service) == 0


@pytest.fixture
def consumer(own_stub, sandbox) -> Consumer:
    """On a sandbox that has nobody to push to: every message is kept for replay."""
    return Consumer(own_stub)


def shipped(sandbox: Any) -> int:
    """Make an order, pay and ship it; return its id."""
    order_id = sandbox.admin("POST", "orders", {})["order_id"]
    for step in ("pay", "ship"):
        sandbox.admin("POST", f"orders/{order_id}/{step}")
    return int(order_id)


def counts(sandbox: Any) -> tuple[int, int]:
    """Return how many messages wait for a replay, and how many are confirmed."""
    told = sandbox.admin("GET", "push")
    return told["failed"], told["confirmed"]


def forms(sandbox: Any, operation: str) -> list[dict[str, str]]:
    """Return what an operation was asked, without the signature."""
    calls = sandbox.admin("GET", f"calls?limit=1000&operation={operation}")["calls"]
    assert all(call["signature_valid"] for call in calls)
    return [
        {name: value for name, value in call["parameters"].items() if name != "_aop_signature"}
        for call in calls
    ]


def sampled(case: RequestCase) -> dict[str, str]:
    """Return the form of a sample without what each call has of its own."""
    return {name: value for name, value in case.expected["form"].items() if not name.startswith("_aop_")}


def until(sandbox: Any, operation: str, in_flight: int) -> None:
    """Wait until so many calls of an operation are under way at the sandbox."""
    deadline = time.monotonic() + WITHIN_S
    while sandbox.state()["operations"].get(operation, {}).get("in_flight") != in_flight:
        assert time.monotonic() < deadline


@EVERY_DIALECT
def test_an_orders_messages_come_by_replay(dialect: str, running, sandbox) -> None:
    with grpc.insecure_channel(running["order_sync", dialect].address) as channel:
        consumer = Consumer(OrderSyncServiceStub(channel))
        stream = Stream(consumer.stub, consumer.subscription)
        order_id = shipped(sandbox)
        kept = [each["message_id"] for each in sandbox.admin("GET", "messages?state=failed")["messages"]]
        assert consumer.replay() == (3, 0)
        assert counts(sandbox) == (0, 3)
        for topic, message_id in zip((MADE, PAID, SHIPPED), kept, strict=True):
            message = stream.next()
            assert (message.topic, message.message_id) == (topic, str(message_id))
            assert message.order.cbu_order_id == order_id
            assert json.loads(message.raw_json)["msgId"] == message_id
            stream.ack(message)
        assert consumer.replay() == (0, 0)
        stream.close()
        assert stream.end() is None
        assert consumer.topics() == []
    assert json.loads(forms(sandbox, CONFIRM)[0]["msgIdList"]) == kept


def test_a_callback_that_cannot_be_reached(consumer, sandbox) -> None:
    """What failed after its last try is there for the replay as what was never tried."""
    nobody = "http://127.0.0.1:1/callbacks/1688"
    sandbox.admin("PUT", "push", {"callback_url": nobody, "max_retries": 1, "retry_interval_ms": 10})
    shipped(sandbox)
    deadline = time.monotonic() + WITHIN_S
    while counts(sandbox) != (3, 0):
        assert time.monotonic() < deadline
    assert {each["attempts"] for each in sandbox.admin("GET", "messages")["messages"]} == {2}
    assert consumer.replay() == (3, 0)
    assert consumer.topics() == [MADE, PAID, SHIPPED]


def test_many_pages_come_in_one_replay(consumer, sandbox) -> None:
    """Page 1 again and again: confirming shifts the pages."""
    sandbox.admin("POST", "messages", {"topic": PAID, "times": 450, "order_count": 450})
    assert consumer.replay() == (450, 0)
    assert len(consumer.topics()) == 450
    assert counts(sandbox) == (0, 450)
    assert forms(sandbox, QUERY) == [{"page": "1", "pageSize": "200"}] * 4
    assert [len(json.loads(form["msgIdList"])) for form in forms(sandbox, CONFIRM)] == [200, 200, 50]


@pytest.mark.parametrize(
    ("only", "topics"),
    [
        ({"topic": PAID}, [PAID]),
        ({"topic": "NEVER_HEARD_OF"}, []),
        ({"start_time": "2100-01-01T00:00:00Z"}, []),
        ({"start_time": "2020-01-01T00:00:00Z"}, [MADE, PAID, SHIPPED]),
        ({"end_time": "2020-01-01T00:00:00Z"}, []),
        ({"end_time": "2100-01-01T00:00:00Z", "topic": SHIPPED}, [SHIPPED]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_only_what_is_asked_for_comes(only, topics, consumer, sandbox) -> None:
    shipped(sandbox)
    assert consumer.replay(**only) == (len(topics), 0)
    assert consumer.topics() == topics
    assert counts(sandbox) == (3 - len(topics), len(topics))
    assert consumer.replay() == (3 - len(topics), 0)


def test_a_replay_asks_as_the_reference_does(consumer, sandbox) -> None:
    asked = dict(CASES["QueryMessages"].request)
    consumer.replay(
        start_time=asked["create_start_time"], end_time=asked["create_end_time"], topic=asked["topic"]
    )
    assert forms(sandbox, QUERY) == [sampled(CASES["QueryMessages"]) | {"pageSize": "200"}]


@EVERY_DIALECT
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
async def test_what_the_suite_itself_asks_is_what_the_reference_shows(case, dialect: str, sandbox) -> None:
    """Below gRPC: nobody can call these operations, and the replay leaves one of them alone."""
    settings = AdapterSettings(  # type: ignore[call-arg] # the others have defaults
        gateway_url=sandbox.url,
        app_key="1000000",
        app_secret="test-app-secret",
        access_token="test-access-token",
        dialect=dialect,
    )
    request = ParseDict(case.request, getattr(upstream, f"{case.rpc}Request")())
    async with operations_lifespan(REPLAY, settings) as operations:
        await operations.call(case.rpc, request, asyncio.get_running_loop().time() + WITHIN_S)
    (call,) = sandbox.calls()
    assert (call["method"], call["path"]) == (case.expected["method"], case.expected["url_path"])
    assert forms(sandbox, call["path"].split("/")[-2]) == [sampled(case)]


def test_one_replay_at_a_time(consumer, sandbox, details) -> None:
    shipped(sandbox)
    sandbox.fault({"hang": True}, operation=QUERY)
    first = consumer.stub.ReplayMessages.future(protos.ReplayMessagesRequest(), timeout=WITHIN_S)
    until(sandbox, QUERY, 1)
    with pytest.raises(grpc.RpcError) as failure:
        consumer.replay()
    assert failure.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_OVERLOADED"
    first.cancel()
    until(sandbox, QUERY, 0)  # who leaves does not stand in the way of others
    assert consumer.replay() == (3, 0)
    assert consumer.topics() == [MADE, PAID, SHIPPED]


@pytest.mark.parametrize(
    ("fault", "reason", "already_confirmed"),
    [
        (REFUSAL, "UPSTREAM_REFUSED", False),
        ({"drop": "before_request"}, "UPSTREAM_UNAVAILABLE", False),
        ({"drop": "after_request"}, "UPSTREAM_UNAVAILABLE", True),
    ],
)
def test_what_could_not_be_confirmed_is_stored_and_confirmed_later(
    fault, reason, already_confirmed: bool, consumer, sandbox, details
) -> None:
    shipped(sandbox)
    sandbox.fault(fault, operation=CONFIRM, times=20)
    with pytest.raises(grpc.RpcError) as failure:
        consumer.replay()
    assert details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
    assert consumer.topics() == [MADE, PAID, SHIPPED]
    assert counts(sandbox) == ((0, 3) if already_confirmed else (3, 0))
    sandbox.admin("DELETE", "faults")
    assert consumer.replay() == ((0, 0) if already_confirmed else (0, 3))
    assert counts(sandbox) == (0, 3)
    assert consumer.topics() == []


def test_what_could_not_be_queried_stays_at_1688(consumer, sandbox) -> None:
    shipped(sandbox)
    sandbox.fault(REFUSAL, operation=QUERY)
    with pytest.raises(grpc.RpcError):
        consumer.replay()
    assert counts(sandbox) == (3, 0)
    assert forms(sandbox, CONFIRM) == []
    assert consumer.replay() == (3, 0)


def test_the_service_replays_by_itself(alone, sandbox) -> None:
    """And goes on after a failure."""
    sandbox.fault(REFUSAL, operation=QUERY)
    service, _ = alone("order_sync", settings={"NATIONALSITE_REPLAY_SECONDS": "1"})
    with grpc.insecure_channel(service.address) as channel:
        consumer = Consumer(OrderSyncServiceStub(channel))
        shipped(sandbox)
        assert consumer.topics(wait_s=15) == [MADE, PAID, SHIPPED]
        deadline = time.monotonic() + WITHIN_S
        while counts(sandbox) != (0, 3):
            assert time.monotonic() < deadline
    log = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    assert [line["reason"] for line in log if line["event"] == "replay_failed"] == ["UPSTREAM_REFUSED"]
