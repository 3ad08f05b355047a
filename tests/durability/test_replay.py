"""The replay of messages that 1688 could not push: a crash loses none, and one replica sweeps at a time."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import grpc
import psycopg
import pytest
from nationalsite.ordersync import v1 as protos

from tests.durability.calls import CALL_S, drained, parse_failure, stub_of
from tests.durability.fast_timeouts import REPLAY_LEASE_S
from tests.durability.replicas import Replica
from tests.durability.test_request_ids import attempts, until
from tests.support.postgres import create_database

pytestmark = pytest.mark.durability

QUERY, CONFIRM = "push.query.messageList", "push.message.confirm"
PAGE = 200
MESSAGES = 2 * PAGE + 50
NAME = "replayed"
WITHIN_S = 60
LATENCY_MS = 1000


@pytest.fixture
def failed(sandbox) -> set[str]:
    """Ids of messages that nobody took."""
    sandbox.admin("PUT", "push", {"callback_url": None})
    made = sandbox.admin(
        "POST", "messages", {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": MESSAGES, "order_count": 45}
    )
    assert sandbox.admin("GET", "push")["failed"] == MESSAGES
    return {str(message_id) for message_id in made["message_ids"]}


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Keep the service from storing anything."""
    if url.startswith("sqlite"):
        holder: Any = sqlite3.connect(url.partition("///")[2], isolation_level=None)
        statement = "BEGIN IMMEDIATE"
    else:
        name, _, host = url.partition("@/")[2].partition("?host=")
        holder = psycopg.connect(host=host, user="test", dbname=name)
        statement = "LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"
    with closing(holder):  # which rolls back
        holder.execute(statement)
        yield


def while_it_asks(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"hang": True}, operation=QUERY)
    with replaying(replica):
        until(lambda: attempts(sandbox, QUERY) == 1)
        replica.kill()


def before_it_stores(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"latency_ms": LATENCY_MS}, operation=QUERY)
    with replaying(replica):
        until(lambda: attempts(sandbox, QUERY) == 1)
        with locked(replica.database_url):
            until(lambda: not sandbox.state()["in_flight"])
            replica.kill()


def before_it_confirms(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"hang": True}, operation=CONFIRM)
    with replaying(replica):
        until(lambda: attempts(sandbox, CONFIRM) == 1)
        replica.kill()


def while_it_is_confirmed(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"latency_ms": LATENCY_MS}, operation=CONFIRM)
    with replaying(replica):
        until(lambda: attempts(sandbox, CONFIRM) == 1)
        replica.kill()


def after_it_is_confirmed(sandbox, replica: Replica) -> None:
    """The confirmation works, and its answer gets lost."""
    sandbox.inject_fault({"drop": "after_request"}, operation=CONFIRM)
    sandbox.inject_fault({"hang": True}, operation=CONFIRM)
    with replaying(replica):
        until(lambda: sandbox.admin("GET", "push")["confirmed"] == PAGE)
        replica.kill()


def before_it_asks_again(sandbox, replica: Replica) -> None:
    sandbox.inject_fault({"latency_ms": 1}, operation=QUERY)
    sandbox.inject_fault({"hang": True}, operation=QUERY)
    with replaying(replica):
        until(lambda: attempts(sandbox, QUERY) == 2)
        replica.kill()


@contextmanager
def replaying(replica: Replica) -> Iterator[None]:
    """Ask for a replay whose process dies meanwhile."""
    with stub_of(replica.grpc) as stub:
        calling = stub.ReplayMessages.future(protos.ReplayMessagesRequest(), timeout=CALL_S)
        yield
        assert calling.exception().code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "crash",
    [
        while_it_asks,
        before_it_stores,
        before_it_confirms,
        while_it_is_confirmed,
        after_it_is_confirmed,
        before_it_asks_again,
    ],
    ids=lambda crash: crash.__name__,
)
def test_a_crash_between_two_steps_loses_nothing(crash, url, started, sandbox, failed, report):
    replica = started(url, {"NATIONALSITE_REPLAY_SECONDS": "0"})
    crash(sandbox, replica)
    confirmed = sandbox.admin("GET", "push")["confirmed"]
    sandbox.admin("DELETE", "faults")
    replica.start()

    with stub_of(replica.grpc) as stub:
        answers: list[protos.ReplayMessagesResponse] = []

        def replayed() -> bool:
            try:
                answers.append(stub.ReplayMessages(protos.ReplayMessagesRequest(), timeout=CALL_S))
            except grpc.RpcError as error:
                # The lease of the one that died.
                assert parse_failure(error)[:2] == ("RESOURCE_EXHAUSTED", "OVERLOADED")
            return bool(answers)

        waited_s = until(replayed, REPLAY_LEASE_S + WITHIN_S)
        ids = [message.message_id for message in drained(stub, NAME, MESSAGES, WITHIN_S)]
    report(
        f"{confirmed} confirmed at the crash; then {answers[0].stored} stored, "
        f"{answers[0].duplicates} known, after {waited_s:.1f} s"
    )
    assert sorted(ids) == sorted(failed)
    pushes = sandbox.admin("GET", "push")
    assert (pushes["failed"], pushes["confirmed"]) == (0, MESSAGES)


def test_one_replica_sweeps_at_a_time_and_another_takes_over(server, started, sandbox, failed, report):
    url = create_database(server)
    # Each query is slow enough to meet another one, were there one.
    sandbox.inject_fault({"latency_ms": 100}, operation=QUERY, times=2000)
    pair = [started(url, {"NATIONALSITE_REPLAY_SECONDS": "0.2"}) for _ in range(2)]
    until(lambda: sandbox.admin("GET", "push")["confirmed"] == MESSAGES, WITHIN_S)
    until(lambda: attempts(sandbox, QUERY) >= 20, WITHIN_S)
    assert sandbox.state()["peak_in_flight"] == 1

    # One sweeps alone, and dies between storing and confirming: the other one has to wait for its lease.
    assert pair[1].stop() == 0
    sandbox.inject_fault({"hang": True}, operation=CONFIRM, times=1000)
    sandbox.admin("POST", "messages", {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": 10})
    until(lambda: sandbox.state()["operations"][CONFIRM]["in_flight"] == 1)
    died = time.monotonic()
    pair[0].kill()
    sandbox.admin("DELETE", "faults")
    pair[1].start()
    until(lambda: sandbox.admin("GET", "push")["failed"] == 0, WITHIN_S)
    taken_over_s = time.monotonic() - died
    report(f"{attempts(sandbox, QUERY)} queries, one at a time; taken over after {taken_over_s:.1f} s")
    with stub_of(pair[1].grpc) as stub:
        assert len(drained(stub, NAME, MESSAGES + 10, WITHIN_S)) == MESSAGES + 10
