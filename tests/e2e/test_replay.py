"""Replay of messages that 1688 could not push: query, store, confirm, and deliver like any message."""

import asyncio
import json
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
from tests.e2e.conftest import DIALECTS, ServicePool, StartDedicated
from tests.support.consumers import TIMEOUT_S, StreamConsumer, ack, create_subscription, pull
from tests.support.log_lines import wait_for_lines
from tests.support.polling import wait_until
from tests.support.sample_cases import REPLAY, RequestCase, request_cases
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details
from tools.local_stack import RunningProcess, start_service, stop

pytestmark = pytest.mark.slow  # replays run every few seconds

EACH_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)
CASES = {case.rpc: case for case in request_cases() if case.rpc in REPLAY.methods_by_name}
QUERY, CONFIRM = "push.query.messageList", "push.message.confirm"
CREATED, PAID, SHIPPED = (
    f"ORDER_BUYER_VIEW_{event}" for event in ("BUYER_MAKE", "ORDER_PAY", "ANNOUNCE_SENDGOODS")
)
REJECTION = {"status": 200, "json": {"isSuccess": False, "errorCode": "E1", "errorMessage": "no"}}


class Consumer:
    """Requests replays, and reads their messages from its own subscription."""

    def __init__(self, stub: OrderSyncServiceStub) -> None:
        self.stub = stub
        self.subscription = f"replay-{uuid.uuid4().hex[:12]}"
        create_subscription(stub, self.subscription)

    def replay(self, **fields: Any) -> tuple[int, int]:
        """Replay; return how many messages were stored, and how many were duplicates."""
        request = ParseDict(fields, protos.ReplayMessagesRequest())
        response = self.stub.ReplayMessages(request, timeout=TIMEOUT_S)
        return response.stored, response.duplicates

    def pull_topics(self, wait_s: int = 0) -> list[str]:
        """Pull and acknowledge all messages; return their topics."""
        topics: list[str] = []
        while received := pull(self.stub, self.subscription, wait_s=0 if topics else wait_s):
            ack(self.stub, self.subscription, *received)
            topics += [each.message.topic for each in received]
        return topics


@pytest.fixture(scope="module")
def dedicated_stub(running_sandbox: RunningProcess) -> Iterator[OrderSyncServiceStub]:
    """A stub of a service that only this module uses, because failed replays change its state."""
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0"}
    service = start_service("order_sync", running_sandbox.address, settings, log="test-replay")
    with grpc.insecure_channel(service.address) as channel:
        yield OrderSyncServiceStub(channel)
    assert stop(service) == 0


@pytest.fixture
def consumer(dedicated_stub: OrderSyncServiceStub, sandbox: SandboxClient) -> Consumer:
    """A consumer. The sandbox has no push target, so it keeps every message for replay."""
    return Consumer(dedicated_stub)


def ship_order(sandbox: SandboxClient) -> int:
    """Create an order, pay and ship it: three messages. Return its id."""
    order_id = sandbox.admin("POST", "orders", {})["order_id"]
    for action in ("pay", "ship"):
        sandbox.admin("POST", f"orders/{order_id}/{action}")
    return int(order_id)


def count_messages(sandbox: SandboxClient) -> tuple[int, int]:
    """Return how many messages wait for a replay, and how many are confirmed."""
    status = sandbox.admin("GET", "push")
    return status["failed"], status["confirmed"]


def received_forms(sandbox: SandboxClient, operation: str) -> list[dict[str, str]]:
    """Return the forms that an operation of the sandbox received, without their signatures."""
    calls = sandbox.admin("GET", f"calls?limit=1000&operation={operation}")["calls"]
    assert all(call["signature_valid"] for call in calls)
    return [
        {name: value for name, value in call["parameters"].items() if name != "_aop_signature"}
        for call in calls
    ]


def expected_form(case: RequestCase) -> dict[str, str]:
    """Return the form of a sample without signature and timestamp."""
    return {name: value for name, value in case.expected["form"].items() if not name.startswith("_aop_")}


def wait_for_in_flight(sandbox: SandboxClient, operation: str, count: int) -> None:
    """Wait until this number of calls of an operation is in flight at the sandbox."""
    wait_until(lambda: sandbox.state()["operations"].get(operation, {}).get("in_flight") == count)


@EACH_DIALECT
def test_messages_of_an_order_arrive_by_replay(
    dialect: str, running_services: ServicePool, sandbox: SandboxClient
) -> None:
    with grpc.insecure_channel(running_services["order_sync", dialect].address) as channel:
        consumer = Consumer(OrderSyncServiceStub(channel))
        stream = StreamConsumer(consumer.stub, consumer.subscription)
        order_id = ship_order(sandbox)
        message_ids = [
            message["message_id"] for message in sandbox.admin("GET", "messages?state=failed")["messages"]
        ]
        assert consumer.replay() == (3, 0)
        assert count_messages(sandbox) == (0, 3)
        for topic, message_id in zip((CREATED, PAID, SHIPPED), message_ids, strict=True):
            received = stream.next()
            message = received.message
            assert (message.topic, message.message_id) == (topic, str(message_id))
            assert message.order.cbu_order_id == order_id
            assert json.loads(message.raw_json)["msgId"] == message_id
            stream.ack(received)
        assert consumer.replay() == (0, 0)
        stream.close()
        assert stream.end() is None
        assert consumer.pull_topics() == []
    assert json.loads(received_forms(sandbox, CONFIRM)[0]["msgIdList"]) == message_ids


def test_messages_for_an_unreachable_callback_are_replayed(
    consumer: Consumer, sandbox: SandboxClient
) -> None:
    """Messages whose pushes failed are replayed like messages that were never pushed."""
    closed_port = "http://127.0.0.1:1/callbacks/1688"
    sandbox.admin("PUT", "push", {"callback_url": closed_port, "max_retries": 1, "retry_interval_ms": 10})
    ship_order(sandbox)
    wait_until(lambda: count_messages(sandbox) == (3, 0))
    assert {message["attempts"] for message in sandbox.admin("GET", "messages")["messages"]} == {2}
    assert consumer.replay() == (3, 0)
    assert consumer.pull_topics() == [CREATED, PAID, SHIPPED]


def test_one_replay_fetches_all_pages(consumer: Consumer, sandbox: SandboxClient) -> None:
    """The service always queries page 1, because confirmed messages leave the list."""
    sandbox.admin("POST", "messages", {"topic": PAID, "times": 450, "order_count": 450})
    assert consumer.replay() == (450, 0)
    assert len(consumer.pull_topics()) == 450
    assert count_messages(sandbox) == (0, 450)
    assert received_forms(sandbox, QUERY) == [{"page": "1", "pageSize": "200"}] * 4
    assert [len(json.loads(form["msgIdList"])) for form in received_forms(sandbox, CONFIRM)] == [200, 200, 50]


def test_messages_that_are_too_large_stay_at_1688(consumer: Consumer, sandbox: SandboxClient) -> None:
    """A page of them is larger than a response may be, so the replay reads small pages."""
    sandbox.admin("POST", "messages", large_messages(70, 2**18))
    ship_order(sandbox)
    for stored in (3, 0):
        response = consumer.stub.ReplayMessages(protos.ReplayMessagesRequest(), timeout=TIMEOUT_S)
        assert (response.stored, response.duplicates, response.too_large) == (stored, 0, 70)
    assert consumer.pull_topics() == [CREATED, PAID, SHIPPED]
    assert count_messages(sandbox) == (70, 3)


def test_a_page_that_is_too_large_does_not_stop_the_replay(
    consumer: Consumer, sandbox: SandboxClient
) -> None:
    sandbox.admin("POST", "messages", large_messages(20, 2**20))
    ship_order(sandbox)
    assert consumer.replay() == (3, 0)
    assert consumer.pull_topics() == [CREATED, PAID, SHIPPED]
    assert count_messages(sandbox) == (20, 3)


def large_messages(times: int, size: int) -> dict[str, Any]:
    """Return the body that creates messages of a little more than this size."""
    return {"topic": PAID, "times": times, "extra_members": {"attachment": "x" * size}}


@pytest.mark.parametrize(
    ("filters", "topics"),
    [
        ({"topic": PAID}, [PAID]),
        ({"topic": "UNKNOWN_TOPIC"}, []),
        ({"start_time": "2100-01-01T00:00:00Z"}, []),
        ({"start_time": "2020-01-01T00:00:00Z"}, [CREATED, PAID, SHIPPED]),
        ({"end_time": "2020-01-01T00:00:00Z"}, []),
        ({"end_time": "2100-01-01T00:00:00Z", "topic": SHIPPED}, [SHIPPED]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_replay_can_be_limited_to_a_topic_or_a_time(
    filters: dict[str, Any], topics: list[str], consumer: Consumer, sandbox: SandboxClient
) -> None:
    ship_order(sandbox)
    assert consumer.replay(**filters) == (len(topics), 0)
    assert consumer.pull_topics() == topics
    assert count_messages(sandbox) == (3 - len(topics), len(topics))
    assert consumer.replay() == (3 - len(topics), 0)


def test_a_replay_sends_the_documented_request(consumer: Consumer, sandbox: SandboxClient) -> None:
    documented = dict(CASES["QueryMessages"].request)
    consumer.replay(
        start_time=documented["create_start_time"],
        end_time=documented["create_end_time"],
        topic=documented["topic"],
    )
    assert received_forms(sandbox, QUERY) == [expected_form(CASES["QueryMessages"]) | {"pageSize": "200"}]


@EACH_DIALECT
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
async def test_internal_operations_send_the_documented_request(
    case: RequestCase, dialect: str, sandbox: SandboxClient
) -> None:
    """Calls the adapter directly: these operations have no RPC, and the replay does not use all of them."""
    settings = AdapterSettings(  # type: ignore[call-arg] # the others have defaults
        gateway_url=sandbox.url,
        app_key="1000000",
        app_secret="test-app-secret",
        access_token="test-access-token",
        dialect=dialect,
    )
    request = ParseDict(case.request, getattr(upstream, f"{case.rpc}Request")())
    async with operations_lifespan(REPLAY, settings) as operations:
        await operations.call(case.rpc, request, asyncio.get_running_loop().time() + TIMEOUT_S)
    (call,) = sandbox.calls()
    assert (call["method"], call["path"]) == (case.expected["method"], case.expected["url_path"])
    assert received_forms(sandbox, call["path"].split("/")[-2]) == [expected_form(case)]


def test_one_replay_at_a_time(consumer: Consumer, sandbox: SandboxClient) -> None:
    ship_order(sandbox)
    sandbox.inject_fault({"hang": True}, operation=QUERY)
    first = consumer.stub.ReplayMessages.future(protos.ReplayMessagesRequest(), timeout=TIMEOUT_S)
    wait_for_in_flight(sandbox, QUERY, 1)
    with pytest.raises(grpc.RpcError) as failure:
        consumer.replay()
    assert failure.value.code() is grpc.StatusCode.ABORTED
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_REPLAY_IN_PROGRESS"
    first.cancel()
    wait_for_in_flight(sandbox, QUERY, 0)  # a cancelled replay does not block the next one
    assert consumer.replay() == (3, 0)
    assert consumer.pull_topics() == [CREATED, PAID, SHIPPED]


@pytest.mark.parametrize(
    ("fault", "reason", "already_confirmed"),
    [
        (REJECTION, "UPSTREAM_REFUSED", False),
        ({"drop": "before_request"}, "UPSTREAM_UNAVAILABLE", False),
        ({"drop": "after_request"}, "UPSTREAM_UNAVAILABLE", True),
    ],
)
def test_unconfirmed_messages_are_stored_and_confirmed_later(
    fault: dict[str, Any], reason: str, already_confirmed: bool, consumer: Consumer, sandbox: SandboxClient
) -> None:
    ship_order(sandbox)
    sandbox.inject_fault(fault, operation=CONFIRM, times=20)
    with pytest.raises(grpc.RpcError) as failure:
        consumer.replay()
    assert parse_status_details(failure.value)["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
    assert consumer.pull_topics() == [CREATED, PAID, SHIPPED]
    assert count_messages(sandbox) == ((0, 3) if already_confirmed else (3, 0))
    sandbox.admin("DELETE", "faults")
    assert consumer.replay() == ((0, 0) if already_confirmed else (0, 3))
    assert count_messages(sandbox) == (0, 3)
    assert consumer.pull_topics() == []


def test_a_failed_query_leaves_the_messages_at_1688(consumer: Consumer, sandbox: SandboxClient) -> None:
    ship_order(sandbox)
    sandbox.inject_fault(REJECTION, operation=QUERY)
    with pytest.raises(grpc.RpcError):
        consumer.replay()
    assert count_messages(sandbox) == (3, 0)
    assert received_forms(sandbox, CONFIRM) == []
    assert consumer.replay() == (3, 0)


@pytest.mark.slow
def test_the_service_replays_periodically(start_dedicated: StartDedicated, sandbox: SandboxClient) -> None:
    """It continues after a failed replay."""
    sandbox.inject_fault(REJECTION, operation=QUERY)
    service, _ = start_dedicated("order_sync", settings={"NATIONALSITE_REPLAY_SECONDS": "1"})
    with grpc.insecure_channel(service.address) as channel:
        consumer = Consumer(OrderSyncServiceStub(channel))
        ship_order(sandbox)
        assert consumer.pull_topics(wait_s=15) == [CREATED, PAID, SHIPPED]
        wait_until(lambda: count_messages(sandbox) == (0, 3))
    failed = wait_for_lines(service, 1, event="replay_failed")
    assert [line["reason"] for line in failed] == ["UPSTREAM_REFUSED"]


@pytest.mark.slow
def test_a_push_that_is_too_old_arrives_by_replay(
    start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    """The callback does not accept it, because it could be a recorded push; 1688's own list is genuine."""
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0", "NATIONALSITE_MESSAGE_MAX_AGE_DAYS": "100"}
    service, _ = start_dedicated("order_sync", settings=settings)
    with grpc.insecure_channel(service.address) as channel:
        consumer = Consumer(OrderSyncServiceStub(channel))
        push = {"callback_url": service.callback, "max_retries": 1, "retry_interval_ms": 1}
        sandbox.admin("PUT", "push", push)
        ship_order(sandbox)
        wait_until(lambda: sandbox.admin("GET", "push")["pushed"] == 3)
        sandbox.admin("PUT", "clock", {"offset_ms": -101 * 86_400_000})
        ship_order(sandbox)
        wait_until(lambda: sandbox.admin("GET", "push")["attempts"] == 3 + 2 * 3)
        wait_until(lambda: count_messages(sandbox) == (3, 0))
        assert consumer.replay() == (3, 0)
        assert consumer.replay() == (0, 0)
        topics: list[str] = []
        while batch := consumer.pull_topics():
            topics += batch
    assert sorted(topics) == sorted([CREATED, PAID, SHIPPED] * 2)
