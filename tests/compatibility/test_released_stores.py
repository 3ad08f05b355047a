"""This release opens the stores of every released version, and goes on where they ended.

`this-tree` is a store that the services of this tree make: it tests the tests before the first release.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from services.store import RetentionPolicy, migrate, open_store
from services.store.database.engine import parse_url
from services.store.database.schema_migrations import connect
from services.store.retention import Retention
from tests.compatibility.caller import Caller, Json, find_differences
from tests.compatibility.released_stores import (
    POSTGRESQL,
    RELEASES,
    SQLITE,
    THIS_TREE,
    Databases,
    ReleasedStores,
    list_versions,
    make_stores,
    read_stores,
)
from tests.compatibility.store_contents import ACCOUNTING, ADDRESS, BUYER, SETTINGS, SYNCED, WAREHOUSE
from tests.compatibility.store_dumps import dump_store, load_store, move_times, now_ms
from tests.support.callbacks import push
from tests.support.polling import wait_until
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.push_client import build_message
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import ROOT, RunningProcess, start_sandbox, start_service, stop

PAUSE_MS = 120_000
"""How long after the crash the stores are opened. The leases of the dead processes have ended then, and those
of the consumers have not."""
DAY_MS = 86_400_000
SIGNED = "DOWNSTREAM_LOGISTICS_STATUS_SIGNED"
EXPIRED_MS = 4000 * DAY_MS
"""Longer than everything is kept."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    sandbox = start_sandbox(log="upgrade-sandbox")
    yield sandbox.address
    assert stop(sandbox) == 0


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(SQLITE, marks=pytest.mark.slow),
        pytest.param(POSTGRESQL, marks=pytest.mark.postgres),
    ],
)
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    postgres = request.getfixturevalue("postgres") if request.param == POSTGRESQL else None
    return Databases(request.param, tmp_path_factory.mktemp("stores"), postgres)


@pytest.fixture(scope="module", params=[THIS_TREE, *list_versions()])
def stores(request: pytest.FixtureRequest, databases: Databases) -> ReleasedStores:
    """The stores of a version."""
    if request.param == THIS_TREE:
        return make_stores(databases.create())
    return read_stores(RELEASES / request.param / databases.engine)


class Upgrade:
    """The stores of a version, opened by this release."""

    def __init__(self, stores: ReleasedStores, urls: dict[str, str], sandbox: SandboxClient) -> None:
        self.contents, self.urls, self.sandbox = stores.contents, urls, sandbox
        self.moved_ms = now_ms() - PAUSE_MS - int(stores.contents["dump_time_ms"])
        """How much the times of the stores are later than in their dumps."""
        for name, sql in stores.dumps.items():
            load_store(urls[name], sql)
            move_times(urls[name], self.moved_ms)
            migrate(urls[name])
        self._stack = ExitStack()

    def start(self, name: str) -> tuple[RunningProcess, Caller]:
        """Start a service; return it with a caller of it."""
        settings = {**SETTINGS[name], "NATIONALSITE_DATABASE_URL": self.urls[name]}
        service = start_service(name, self.sandbox.url, settings, log=f"upgraded-{name}")
        self._stack.callback(_stop_cleanly, service)
        caller = Caller(service.address)
        self._stack.callback(caller.close)
        return service, caller

    def run(self, *arguments: str) -> str:
        """Run a command on the store of order sync, as an operator does; return its output."""
        return subprocess.run(  # noqa: S603 # our own module
            [sys.executable, "-m", "services.order_sync", *arguments],
            cwd=ROOT,
            env=os.environ | {"NATIONALSITE_DATABASE_URL": self.urls["order_sync"]},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def count_attempts(self, operation: str) -> int:
        """Return how many calls of an operation 1688 has received."""
        return int(self.sandbox.state()["operations"].get(operation, {"attempts": 0})["attempts"])

    def close(self) -> None:
        """Stop the services."""
        self._stack.close()


def _stop_cleanly(service: RunningProcess) -> None:
    assert stop(service) == 0


@pytest.fixture
def upgrade(stores: ReleasedStores, databases: Databases, sandbox_url: str) -> Iterator[Upgrade]:
    sandbox = SandboxClient(sandbox_url)
    sandbox.admin("POST", "reset")
    upgrade = Upgrade(stores, databases.create(), sandbox)
    yield upgrade
    upgrade.close()


def test_callers_get_the_same_answers(upgrade: Upgrade) -> None:
    """Also those who repeat a call with a request id: nothing is sent to 1688 again."""
    differences = []
    for name in SETTINGS:
        _, caller = upgrade.start(name)
        for question in upgrade.contents[name]["answers"]:
            expected = {key: question[key] for key in ("response", "error") if key in question}
            answer = caller.ask(question)
            differences += [
                f"{question['rpc']} {question['request']}: {difference}"
                for difference in find_differences(expected, answer, upgrade.moved_ms)
            ]
    assert not differences, "\n".join(differences)
    for operation in (
        "account.user.register",
        "alibaba.trade.createCrossOrder",
        "alibaba.trade.createRefund",
    ):
        assert upgrade.count_attempts(operation) == 0


def test_messages_are_delivered(upgrade: Upgrade) -> None:
    messages = upgrade.contents["order_sync"]["messages"]
    service, caller = upgrade.start("order_sync")
    by_ids = {"subscription": WAREHOUSE, "ack_ids": messages["leased"]["release"], "lease": "0s"}
    assert caller.call("SetMessageLease", by_ids) == {}, "the lease still runs"
    for ack_ids, lapsed in ((messages["leased"]["ack"], {}), (messages["lapsed"], messages["lapsed"])):
        answer = caller.call("AckMessages", {"subscription": WAREHOUSE, "ack_ids": ack_ids})
        assert answer == ({"lapsed_ack_ids": lapsed} if lapsed else {})
    for message_id in messages["acknowledged"]:
        assert push(service.callback, build_message(int(message_id))) == 200, "1688 pushes it again"

    received = _consume(caller, WAREHOUSE, len(messages["attempts"][WAREHOUSE]))
    assert received == messages["attempts"][WAREHOUSE]
    assert [each for each in received if each in messages["in_order"]] == messages["in_order"]
    attempts = messages["attempts"][ACCOUNTING]
    assert _consume(caller, ACCOUNTING, len(attempts)) == attempts
    caller.call("RequeueMessages", {"subscription": WAREHOUSE, "message_ids": messages["dead"]})
    assert _consume(caller, WAREHOUSE, 1) == dict.fromkeys(messages["dead"], 1)

    assert push(service.callback, build_message(1000)) == 200
    assert _consume(caller, WAREHOUSE, 1) == {"1000": 1}
    subscriptions = caller.call("ListSubscriptions", {})["subscriptions"]
    assert {each["subscription"]: each.get("backlog", 0) for each in subscriptions} == {
        WAREHOUSE: 0,
        ACCOUNTING: 0,
    }


def _consume(caller: Caller, subscription: str, count: int) -> dict[str, int]:
    """Pull and acknowledge so many messages; return their delivery attempts by their ids, in order."""
    attempts: dict[str, int] = {}
    while len(attempts) < count:
        pull = {"subscription": subscription, "wait": "10s", "lease": "600s"}
        received = caller.call("PullMessages", pull)["received_messages"]
        for each in received:
            assert each["message"]["message_id"] not in attempts, "it was acknowledged"
            attempts[each["message"]["message_id"]] = each["delivery_attempt"]
        ack_ids = [each["ack_id"] for each in received]
        assert caller.call("AckMessages", {"subscription": subscription, "ack_ids": ack_ids}) == {}
    return attempts


def test_deliveries_and_full_orders_go_on_until_the_buyer_is_erased(upgrade: Upgrade) -> None:
    _, caller = upgrade.start("order_sync")
    deliveries = upgrade.contents["order_sync"]["pending_deliveries"]
    for delivery in deliveries:
        request = {"delivery_id": delivery, "wait": "20s"}
        wait_until(lambda request=request: _get_state(caller, request) == "DELIVERY_STATE_DELIVERED")
    sending = caller.call("GetDelivery", {"delivery_id": deliveries[0]})["delivery"]
    order = upgrade.sandbox.admin("GET", f"synced/orders/{sending['ordering_key']}")["order"]
    assert order["status"] == "success", "the status was sent after the order"

    # On the open platform, a status is sent with the order that the released version has stored.
    status = {"national_order_id": str(SYNCED), "pay_status": "DOWNSTREAM_ORDER_STATUS_SUCCESS"}
    caller.call("SyncOrderStatus", {"order_status": status})
    logistics_status = {"logistics_id": f"L{SYNCED}", "logistics_status": SIGNED}
    caller.call("SyncLogisticsStatus", {"logistics_status": logistics_status})

    upgrade.run("erase", "--member-id", BUYER)
    for delivery in deliveries:
        question = {"rpc": "GetDelivery", "request": {"delivery_id": delivery}}
        assert caller.ask(question)["error"]["reason"] == "DELIVERY_NOT_FOUND"
    dump = dump_store(upgrade.urls["order_sync"]).lower()
    assert ADDRESS.encode().hex() not in dump
    assert "大阪".encode().hex() in dump, "another buyer's order stays"


def _get_state(caller: Caller, request: Json) -> str:
    return str(caller.call("GetDelivery", request)["delivery"]["state"])


def test_an_operator_resolves_a_creation(upgrade: Upgrade) -> None:
    _, caller = upgrade.start("order_sync")
    (lost,) = (
        question
        for question in upgrade.contents["order_sync"]["answers"]
        if question["rpc"] == "CreatePurchaseOrders"
        and question.get("error", {}).get("reason") == "OUTCOME_UNKNOWN"
    )
    out_order_id = lost["request"]["out_order_id"]
    assert out_order_id in upgrade.run("creations", "list")
    upgrade.run("creations", "resolve", "--out-order-id", out_order_id, "--not-executed")
    assert caller.ask(lost)["error"]["reason"] == "NOT_EXECUTED"


async def test_everything_expires(upgrade: Upgrade) -> None:
    url = upgrade.urls["order_sync"]
    move_times(url, -EXPIRED_MS)
    async with open_store(url) as store:
        deleted = await Retention(store, RetentionPolicy()).sweep()
    with connect(parse_url(url)) as connection:
        rows = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 # our tables
            for table in deleted
        }
    assert all(deleted.values()), f"the stores have something of everything that expires: {deleted}"
    pending = len(upgrade.contents["order_sync"]["pending_deliveries"])
    assert {table: count for table, count in rows.items() if count} == {"deliveries": pending}
