"""The examples `consume_once` have each effect once, although programs fail or are killed in between.

Those with SQLite, because the tests delay its commits.
"""

import itertools
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import nationalsite_client
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.polyglot.toolchains import build
from tests.support.sandbox_client import SandboxClient
from tests.support.tcp_proxy import tcp_proxy
from tools.local_stack import ROOT, RunningProcess, local_stack

pytestmark = pytest.mark.polyglot

SUBSCRIPTIONS = {"go": "shop-once-go", "python": "shop-once"}
PAID = "ORDER_BUYER_VIEW_ORDER_PAY"
ORDER_IDS = itertools.count(1)
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def stack() -> Iterator[dict[str, RunningProcess]]:
    with local_stack("open-platform") as running:
        yield running


class Shop:
    """An example that consumes messages, and its database."""

    def __init__(self, language: str, folder: Path, orders: OrderSyncServiceStub) -> None:
        self._database = folder / "shop.db"
        self._output = folder / "output"
        self._command = [ROOT / "examples" / language / "run", "consume_once", folder / "shop.db"]
        self._orders = orders
        self._subscription = SUBSCRIPTIONS[language]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, address: str) -> None:
        environment = os.environ | {"NATIONALSITE_ORDER_SYNC": address}
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 # our own script
                self._command, cwd=ROOT, env=environment, stdout=output, stderr=output
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def read_output(self) -> str:
        return self._output.read_text()

    def execute(self, statement: str) -> list[tuple[int]]:
        """Execute a statement in the shop's database."""
        with closing(sqlite3.connect(self._database, timeout=TIMEOUT_S)) as database, database:
            return database.execute(statement).fetchall()

    def count_events(self, order_id: int) -> int:
        statement = f"SELECT count(*) FROM order_events WHERE cbu_order_id = {order_id}"  # noqa: S608 # a number
        ((count,),) = self.execute(statement)
        return count

    @contextmanager
    def delayed_commits(self) -> Iterator[None]:
        """A reader of a database delays every commit, but no other statement."""
        with closing(sqlite3.connect(self._database)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM order_events").fetchone()
            yield
            reader.rollback()

    def is_writing(self) -> bool:
        """Whether a handler has changed the database, without a commit."""
        return self._database.with_name("shop.db-journal").exists()

    def is_ready(self) -> bool:
        """Whether the program has created its tables and its subscription."""
        tables = self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        response = self._orders.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=TIMEOUT_S)
        return len(tables) == 2 and self._subscription in [
            each.subscription for each in response.subscriptions
        ]

    def has_acknowledged(self) -> bool:
        request = protos.GetSubscriptionRequest(subscription=self._subscription)
        return self._orders.GetSubscription(request, timeout=TIMEOUT_S).subscription.backlog == 0


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(params=sorted(SUBSCRIPTIONS))
def shop(request, stack, tmp_path) -> Iterator[Shop]:
    error = build(request.param, ROOT / "examples" / request.param)
    assert not error, error
    address = stack["order_sync"].address
    with nationalsite_client.connect(address, "order_sync") as channel:
        shop = Shop(request.param, tmp_path, OrderSyncServiceStub(channel))
        shop.start(address)
        try:
            wait_until(lambda: shop.is_ready() and shop.has_acknowledged())
            yield shop
        finally:
            shop.kill()


@pytest.fixture
def push(stack) -> Callable[[], int]:
    """push() lets 1688 push the message that an order was paid, and returns the id of the order."""
    sandbox = SandboxClient(stack["sandbox"].address)

    def push() -> int:
        order_id = next(ORDER_IDS)
        data = {"orderId": order_id, "currentStatus": "waitsellersend"}
        sandbox.admin("POST", "messages", {"topic": PAID, "data": data})
        return order_id

    return push


def test_message_about_something_else(shop, push, stack) -> None:
    events = shop.execute("SELECT cbu_order_id FROM order_events")  # those of other tests
    message = {"topic": "ORDER_BUYER_VIEW_ORDER_REFUND_AFTER_SALES"}
    SandboxClient(stack["sandbox"].address).admin("POST", "messages", message)
    order_id = push()
    wait_until(lambda: shop.count_events(order_id))
    wait_until(shop.has_acknowledged)
    assert shop.execute("SELECT cbu_order_id FROM order_events") == [*events, (order_id,)]


def test_effect_fails(shop, push) -> None:
    shop.execute(
        "CREATE TRIGGER failure BEFORE INSERT ON order_events BEGIN SELECT RAISE(ABORT, 'simulated'); END"
    )
    handled = shop.execute("SELECT * FROM handled_messages")  # those of other tests
    order_id = push()
    wait_until(lambda: "simulated" in shop.read_output())
    assert shop.execute("SELECT * FROM handled_messages") == handled
    shop.execute("DROP TRIGGER failure")
    wait_until(shop.has_acknowledged)
    assert shop.count_events(order_id) == 1


def test_program_is_killed_before_the_commit(shop, push, stack) -> None:
    with shop.delayed_commits():
        order_id = push()
        wait_until(shop.is_writing)
        shop.kill()
    assert shop.count_events(order_id) == 0
    shop.start(stack["order_sync"].address)
    wait_until(shop.has_acknowledged)
    assert shop.count_events(order_id) == 1


def test_program_is_killed_before_the_acknowledgement(shop, push, stack) -> None:
    address = stack["order_sync"].address
    shop.kill()
    with tcp_proxy(int(address.rpartition(":")[2])) as proxy:
        shop.start(f"127.0.0.1:{proxy.port}")
        with shop.delayed_commits():
            order_id = push()
            wait_until(shop.is_writing)
            proxy.freeze()  # the acknowledgement gets lost
        wait_until(lambda: shop.count_events(order_id))
        shop.kill()
    assert not shop.has_acknowledged()
    shop.start(address)
    wait_until(shop.has_acknowledged)
    assert "handled before" in shop.read_output()
    assert shop.count_events(order_id) == 1
