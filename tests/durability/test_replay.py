"""The replay of messages that 1688 could not push: a crash loses none, and one replica replays at a time."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import grpc
import psycopg
import pytest
from nationalsite.ordersync import v1 as protos

from tests.durability.calls import CALL_TIMEOUT_S, pull_all
from tests.durability.fast_timeouts import REPLAY_LEASE_S
from tests.support.channels import open_stub
from tests.support.polling import wait_until
from tests.support.postgres import create_database
from tests.support.replica import Replica
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import summarize_error

pytestmark = pytest.mark.durability

QUERY, CONFIRM = "push.query.messageList", "push.message.confirm"
PAGE_SIZE = 200
MESSAGES = 2 * PAGE_SIZE + 50
SUBSCRIPTION = "replayed"
TIMEOUT_S = 60
LATENCY_MS = 1000


@pytest.fixture
def failed_ids(sandbox) -> set[str]:
    """The ids of messages that 1688 could not push."""
    sandbox.admin("PUT", "push", {"callback_url": None})
    created = sandbox.admin(
        "POST", "messages", {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": MESSAGES, "order_count": 45}
    )
    assert sandbox.admin("GET", "push")["failed"] == MESSAGES
    return {str(message_id) for message_id in created["message_ids"]}


def count_attempts(sandbox: SandboxClient, operation: str) -> int:
    """Return how many requests for an operation the sandbox has received."""
    return int(sandbox.state()["operations"].get(operation, {"attempts": 0})["attempts"])


@contextmanager
def lock_messages(database_url: str) -> Iterator[None]:
    """Lock the table of messages, so that the service cannot store any."""
    if database_url.startswith("sqlite"):
        connection: Any = sqlite3.connect(database_url.partition("///")[2], isolation_level=None)
        statement = "BEGIN IMMEDIATE"
    else:
        name, _, host = database_url.partition("@/")[2].partition("?host=")
        connection = psycopg.connect(host=host, user="test", dbname=name)
        statement = "LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"
    with closing(connection):  # closing rolls back
        connection.execute(statement)
        yield


def during_the_query(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"hang": True}, operation=QUERY)
    with replaying(replica):
        wait_until(lambda: count_attempts(sandbox, QUERY) == 1)
        replica.kill()


def before_storing(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"latency_ms": LATENCY_MS}, operation=QUERY)
    with replaying(replica):
        wait_until(lambda: count_attempts(sandbox, QUERY) == 1)
        with lock_messages(replica.database_url):
            wait_until(lambda: not sandbox.state()["in_flight"])
            replica.kill()


def before_the_confirmation(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"hang": True}, operation=CONFIRM)
    with replaying(replica):
        wait_until(lambda: count_attempts(sandbox, CONFIRM) == 1)
        replica.kill()


def during_the_confirmation(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"latency_ms": LATENCY_MS}, operation=CONFIRM)
    with replaying(replica):
        wait_until(lambda: count_attempts(sandbox, CONFIRM) == 1)
        replica.kill()


def after_the_confirmation(sandbox, replica: Replica) -> None:
    """The confirmation succeeds, but its response is lost."""
    sandbox.inject_fault({"drop": "after_request"}, operation=CONFIRM)
    sandbox.inject_fault({"hang": True}, operation=CONFIRM)
    with replaying(replica):
        wait_until(lambda: sandbox.admin("GET", "push")["confirmed"] == PAGE_SIZE)
        replica.kill()


def during_the_second_query(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"latency_ms": 1}, operation=QUERY)
    sandbox.inject_fault({"hang": True}, operation=QUERY)
    with replaying(replica):
        wait_until(lambda: count_attempts(sandbox, QUERY) == 2)
        replica.kill()


@contextmanager
def replaying(replica: Replica) -> Iterator[None]:
    """Call for a replay. The process must die during it."""
    with open_stub(replica.grpc) as stub:
        call = stub.ReplayMessages.future(protos.ReplayMessagesRequest(), timeout=CALL_TIMEOUT_S)
        yield
        assert call.exception().code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "crash",
    [
        during_the_query,
        before_storing,
        before_the_confirmation,
        during_the_confirmation,
        after_the_confirmation,
        during_the_second_query,
    ],
    ids=lambda crash: crash.__name__,
)
def test_a_crash_during_a_replay_loses_no_message(
    crash, database_url, start_replica, sandbox, failed_ids, report
):
    replica = start_replica(database_url, {"NATIONALSITE_REPLAY_SECONDS": "0"})
    crash(sandbox, replica)
    confirmed = sandbox.admin("GET", "push")["confirmed"]
    sandbox.admin("DELETE", "faults")
    replica.start()

    with open_stub(replica.grpc) as stub:
        responses: list[protos.ReplayMessagesResponse] = []

        def is_replayed() -> bool:
            try:
                responses.append(stub.ReplayMessages(protos.ReplayMessagesRequest(), timeout=CALL_TIMEOUT_S))
            except grpc.RpcError as error:
                # The killed process still holds the lease.
                assert summarize_error(error)[:2] == ("ABORTED", "REPLAY_IN_PROGRESS")
            return bool(responses)

        waited_s = wait_until(is_replayed, REPLAY_LEASE_S + TIMEOUT_S)
        ids = [received.message.message_id for received in pull_all(stub, SUBSCRIPTION, MESSAGES, TIMEOUT_S)]
    report(
        f"{confirmed} confirmed at the crash; then {responses[0].stored} stored, "
        f"{responses[0].duplicates} duplicates, after {waited_s:.1f} s"
    )
    assert sorted(ids) == sorted(failed_ids)
    pushes = sandbox.admin("GET", "push")
    assert (pushes["failed"], pushes["confirmed"]) == (0, MESSAGES)


def test_one_replica_replays_at_a_time_and_another_takes_over(
    postgres, start_replica, sandbox, failed_ids, report
):
    database_url = create_database(postgres)
    # Queries are so slow that two replicas would overlap.
    sandbox.inject_fault({"latency_ms": 100}, operation=QUERY, times=2000)
    replicas = [start_replica(database_url, {"NATIONALSITE_REPLAY_SECONDS": "0.2"}) for _ in range(2)]
    wait_until(lambda: sandbox.admin("GET", "push")["confirmed"] == MESSAGES, TIMEOUT_S)
    wait_until(lambda: count_attempts(sandbox, QUERY) >= 20, TIMEOUT_S)
    assert sandbox.state()["peak_in_flight"] == 1

    # One replica runs alone, and dies between storing and confirming. The other waits until its lease ends.
    assert replicas[1].stop() == 0
    sandbox.inject_fault({"hang": True}, operation=CONFIRM, times=1000)
    sandbox.admin("POST", "messages", {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": 10})
    wait_until(lambda: sandbox.state()["operations"][CONFIRM]["in_flight"] == 1)
    died = time.monotonic()
    replicas[0].kill()
    sandbox.admin("DELETE", "faults")
    replicas[1].start()
    wait_until(lambda: sandbox.admin("GET", "push")["failed"] == 0, TIMEOUT_S)
    takeover_s = time.monotonic() - died
    report(f"{count_attempts(sandbox, QUERY)} queries, one at a time; taken over after {takeover_s:.1f} s")
    with open_stub(replicas[1].grpc) as stub:
        assert len(pull_all(stub, SUBSCRIPTION, MESSAGES + 10, TIMEOUT_S)) == MESSAGES + 10
