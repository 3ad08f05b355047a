"""Clients and the sandbox record what they observe during faults, and the checker finds no violation.

A failed run leaves its history in build/histories; `check` of `history.checker` can be applied to it again.
DURABILITY_SEED repeats the random choices of a run, though not their timing.
"""

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from sqlalchemy import text

from services.store.database.engine import parse_url
from services.store.database.schema_migrations import connect
from tests.durability.conftest import FAST_TIMEOUTS, LONG, SEED
from tests.durability.history import nemesis
from tests.durability.history.checker import check
from tests.durability.history.consumers import SHORT_LEASE_S, Consumer
from tests.durability.history.events import (
    Backlog,
    DeliveryState,
    MessageDead,
    Scenario,
    read_history,
)
from tests.durability.history.producers import LoadRamp, Producers
from tests.durability.history.recorder import CREATE_REFUND, ORDER_SYNC, Recorder, SandboxLog
from tests.durability.next_release import RELEASE
from tests.support.channels import FAST_RECONNECT
from tests.support.fake_time import FakeTime
from tests.support.postgres import create_database
from tests.support.postgres_proxy import postgres_proxy
from tests.support.push_client import PushClient
from tests.support.released_code import check_out_release, python_variables
from tests.support.replica import Program, Replica, migrate_by
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import ROOT

pytestmark = pytest.mark.durability

HISTORIES = ROOT / "build" / "histories"
SCALE = 10 if LONG else 1
KILLS, STEPS = 6 * SCALE, 10 * SCALE
MESSAGES, DELIVERIES, REFUNDS, ORDERS, ORDER_STEPS = 300 * SCALE, 200 * SCALE, 30 * SCALE, 4 * SCALE, 15
DEAD_MESSAGES = frozenset({"7", "123"})
"""No consumer acknowledges these."""
NEXT_RELEASE = Program(module="tests.durability.next_release")
SUBSCRIPTIONS = ("warehouse", "accounts")
LONG_LEASE_S = 300
"""Longer than the test: a message that nobody has, and that stays leased, is lost."""
SKEW_S = 5.0
LOAD_TIMEOUT_S = 300 + 10 * STEPS
DRAIN_TIMEOUT_S = 120
SHORT_DEADLINES = {
    "NATIONALSITE_DIALECT": "open-platform",
    "NATIONALSITE_DEADLINES": json.dumps(
        {rpc: {"default_s": 10.0, "cap_s": 10.0} for rpc in ("CreateRefund", "SyncOrder", "SyncOrderStatus")}
    ),
}

Nemesis = Callable[[random.Random, LoadRamp, Recorder], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Run:
    """What a scenario gives to `run_load`."""

    replicas: Sequence[Replica]
    nemesis: Nemesis
    lease_s: int
    clock_offsets_ms: Sequence[float] = (0,)


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    HISTORIES.mkdir(parents=True, exist_ok=True)
    with Recorder(HISTORIES / f"{request.node.name}.jsonl") as recorder:
        recorder.add(Scenario(title=request.node.name, seed=SEED))
        yield recorder


@pytest.fixture
def finish(recorder: Recorder, report: Callable[[str], None]) -> Callable[[], None]:
    """finish() checks the history."""

    def check_history() -> None:
        recorder.close()
        events = read_history(recorder.path)
        violations = check(events)
        counts = Counter(event.name for event in events)
        report(f"seed {SEED}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        by_rule = Counter(violation.rule for violation in violations)
        assert not violations, "\n".join([f"{recorder.path}: {dict(by_rule)}", *map(str, violations[:50])])

    return check_history


async def test_kills(database_url, start_replica, sandbox, recorder, finish):
    count = 1 if database_url.startswith("sqlite") else 2
    replicas = [start_replica(database_url, SHORT_DEADLINES) for _ in range(count)]

    async def kill(rng: random.Random, ramp: LoadRamp, recorder: Recorder) -> None:
        await nemesis.kill_replicas(replicas, KILLS, rng, ramp, recorder)

    await run_load(Run(replicas=replicas, nemesis=kill, lease_s=SHORT_LEASE_S), sandbox, recorder)
    finish()


async def test_connections_cut_during_commit(postgres, start_replica, sandbox, recorder, finish):
    with postgres_proxy(postgres.url()) as proxy:
        database_url = proxy.url(create_database(postgres))
        replicas = [start_replica(database_url, SHORT_DEADLINES) for _ in range(2)]

        async def cut(rng: random.Random, ramp: LoadRamp, recorder: Recorder) -> None:
            await nemesis.cut_commits(proxy, STEPS, rng, ramp, recorder)

        await run_load(Run(replicas=replicas, nemesis=cut, lease_s=LONG_LEASE_S), sandbox, recorder)
        for replica in replicas:
            assert replica.stop() == 0  # before the proxy stops
    finish()


async def test_clocks_that_differ_and_step_back(
    database_url, start_replica, sandbox, recorder, finish, tmp_path
):
    offsets_s = (0.0,) if database_url.startswith("sqlite") else (SKEW_S, 0.0)
    clocks = []
    for number, offset_s in enumerate(offsets_s):
        fake_time = FakeTime(tmp_path / f"clock{number}", offset_s)
        replica = start_replica(database_url, SHORT_DEADLINES | dict(fake_time.environment))
        clocks.append((replica, fake_time))

    async def step(rng: random.Random, ramp: LoadRamp, recorder: Recorder) -> None:
        await nemesis.step_clocks(clocks, STEPS, rng, ramp, recorder)

    run = Run(
        replicas=[replica for replica, _ in clocks],
        nemesis=step,
        lease_s=LONG_LEASE_S,
        clock_offsets_ms=(0, SKEW_S * 1000, nemesis.STEP_BACK_S * 1000),
    )
    await run_load(run, sandbox, recorder)
    finish()


@pytest.mark.parametrize("old_release", ["this_tree", "last_release"])
async def test_rolling_upgrade(old_release, postgres, start_replica, sandbox, recorder, finish):
    variables = python_variables(check_out_release()) if old_release == "last_release" else {}
    database = f"upgrade_{uuid.uuid4().hex}"
    postgres.create_database(database)
    database_url = postgres.url(database)
    migrate_by(Program(variables=variables), database_url)
    program = replace(FAST_TIMEOUTS, variables=variables)
    replicas = [start_replica(database_url, SHORT_DEADLINES, program=program) for _ in range(2)]

    async def upgrade(rng: random.Random, ramp: LoadRamp, recorder: Recorder) -> None:
        await nemesis.upgrade_replicas(replicas, NEXT_RELEASE, rng, ramp, recorder)

    await run_load(Run(replicas=replicas, nemesis=upgrade, lease_s=SHORT_LEASE_S), sandbox, recorder)
    with connect(parse_url(database_url)) as connection:
        rows = connection.execute(text("SELECT received_by, count(*) FROM messages GROUP BY received_by"))
        assert set(dict(rows.all())) == {None, RELEASE}, "both releases have stored messages"
    finish()


async def run_load(run: Run, sandbox: SandboxClient, recorder: Recorder) -> None:
    """Run the load and the nemesis; wait until everything is done; record the final states."""
    rng, ramp = random.Random(SEED), LoadRamp()
    inject_faults(sandbox, rng)
    addresses = [replica.grpc for replica in run.replicas]
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(address, options=FAST_RECONNECT))
            for address in addresses
        ]
        stubs = [OrderSyncServiceStub(channel) for channel in channels]
        push_client = await stack.enter_async_context(
            PushClient([replica.callback for replica in run.replicas])
        )
        consumers = [
            Consumer(
                f"{subscription}-{number}",
                subscription,
                addresses,
                stubs,
                recorder,
                random.Random(rng.random()),
                lease_s=run.lease_s,
                clock_offsets_ms=run.clock_offsets_ms,
                always_release=DEAD_MESSAGES,
            )
            for subscription in SUBSCRIPTIONS
            for number in range(3)
        ]
        producers = Producers(stubs, push_client, recorder, random.Random(rng.random()), ramp)
        sandbox_log = SandboxLog(sandbox, recorder)
        background = [
            asyncio.create_task(consumer.pull() if number % 3 else consumer.stream())
            for number, consumer in enumerate(consumers)
        ]
        background.append(asyncio.create_task(sandbox_log.run()))
        async with asyncio.timeout(LOAD_TIMEOUT_S):

            async def cause_faults() -> None:
                await run.nemesis(random.Random(rng.random()), ramp, recorder)
                ramp.end()

            await asyncio.gather(
                cause_faults(),
                producers.push_messages(MESSAGES),
                producers.enqueue_deliveries(DELIVERIES),
                producers.request_refunds(sandbox, REFUNDS),
                producers.sync_orders(ORDERS, ORDER_STEPS),
            )
        for consumer in consumers:
            consumer.is_ending = True
        await wait_until_drained(stubs[0])
        await record_final_states(stubs[0], recorder)
        for task in background:
            task.cancel()
        results = await asyncio.gather(*background, return_exceptions=True)
        await sandbox_log.copy()
    assert {type(result) for result in results} == {asyncio.CancelledError}, results
    assert [error for consumer in consumers for error in consumer.unexpected_errors] == []
    assert producers.unexpected_errors == []


def inject_faults(sandbox: SandboxClient, rng: random.Random) -> None:
    """Make the sandbox slow, and sometimes fail, before or after it executes a request."""
    for operation, calls in ((ORDER_SYNC, 4 * DELIVERIES), (CREATE_REFUND, 2 * REFUNDS)):
        remaining = calls
        while remaining > 0:
            times = min(remaining, rng.randint(20, 60))
            sandbox.inject_fault({"latency_ms": rng.randint(5, 40)}, operation=operation, times=times)
            fault = rng.choice(
                [{"latency_ms": 400}, {"drop": "before_request"}, {"drop": "after_request"}, {"status": 503}]
            )
            sandbox.inject_fault(fault, operation=operation)
            remaining -= times


async def wait_until_drained(stub: OrderSyncServiceStub) -> None:
    """Wait until no delivery is pending and no message waits, or until the time is over."""
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            pending = await stub.ListDeliveries(
                protos.ListDeliveriesRequest(states=[protos.DELIVERY_STATE_PENDING], page_size=1), timeout=10
            )
            subscriptions = await stub.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=10)
        except grpc.aio.AioRpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        else:
            if not pending.deliveries and not any(each.backlog for each in subscriptions.subscriptions):
                return
        await asyncio.sleep(0.2)


async def record_final_states(stub: OrderSyncServiceStub, recorder: Recorder) -> None:
    """Record the backlogs, the dead messages and the states of all deliveries."""
    subscriptions = await stub.ListSubscriptions(protos.ListSubscriptionsRequest(), timeout=10)
    for subscription in subscriptions.subscriptions:
        recorder.add(Backlog(subscription=subscription.subscription, messages=subscription.backlog))
        dead_messages = await stub.ListDeadMessages(
            protos.ListDeadMessagesRequest(subscription=subscription.subscription, page_size=1000), timeout=10
        )
        for dead in dead_messages.dead_messages:
            recorder.add(
                MessageDead(
                    subscription=subscription.subscription,
                    message=dead.message.message_id,
                    attempts=dead.delivery_attempts,
                    dead_ms=dead.dead_time.ToMilliseconds(),
                )
            )
    request = protos.ListDeliveriesRequest(page_size=1000)
    while True:
        page = await stub.ListDeliveries(request, timeout=10)
        for delivery in page.deliveries:
            state: Any = protos.DeliveryState.Name(delivery.state).removeprefix("DELIVERY_STATE_")
            recorder.add(
                DeliveryState(request_id=delivery.request_id, state=state, attempts=delivery.attempts)
            )
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
