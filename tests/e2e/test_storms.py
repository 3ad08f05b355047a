"""Overload, cancellations, outages: a service recovers its speed and leaks nothing (`make test-faults`)."""

import asyncio
import os
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from nationalsite.ordersync import v1 as ordersync
from nationalsite.product import v1 as product
from nationalsite.product.v1 import ProductServiceStub
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.process_stats import cpu_s
from services.order_sync.service import MAX_RELAY_CALLS
from services.store import open_store
from tests.e2e.conftest import StartDedicated
from tests.support.backlog import insert_backlog
from tests.support.polling import wait_until
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

pytestmark = pytest.mark.faults

OUTAGE_S = float(os.environ.get("OUTAGE_S", "5"))
"""How long 1688 is down: longer than the delays of retries, circuit breaker and token refresh."""
BACKLOG = 2_000
"""Deliveries that are pending while 1688 is down."""
SEARCH = product.SearchByKeywordRequest(keyword="dress", page_size=1)

Load = Callable[[ProductServiceStub], Coroutine[Any, Any, Any]]


def test_ten_thousand_cancelled_calls(start_dedicated: StartDedicated, sandbox: SandboxClient) -> None:
    service, _ = start_dedicated("product")
    calls_per_s = _measure_calls_per_s(service)
    idle_tasks = _count_tasks(service)
    sandbox.inject_fault({"latency_ms": 100}, times=10_000)
    uniform = random.Random(1688).uniform

    async def load(stub: ProductServiceStub) -> Counter[str]:
        outcomes: Counter[str] = Counter()

        async def call_and_cancel() -> None:
            call = stub.SearchByKeyword(SEARCH, timeout=20)
            asyncio.get_running_loop().call_later(uniform(0, 0.15), call.cancel)
            outcomes[(await call.code()).name] += 1

        for _ in range(25):
            await asyncio.gather(*(call_and_cancel() for _ in range(400)))
        return outcomes

    outcomes = _run(service, load)
    assert outcomes.total() == 10_000
    assert outcomes["CANCELLED"] > 5_000
    sandbox.admin("DELETE", "faults")
    _assert_no_leaks(service, sandbox, idle_tasks, max_connections=20)
    assert _measure_calls_per_s(service) > calls_per_s / 2


def test_a_thousand_calls_at_a_slow_1688(start_dedicated: StartDedicated, sandbox: SandboxClient) -> None:
    service, _ = start_dedicated("product", settings={"NATIONALSITE_MAX_UPSTREAM_CALLS": "1000"})
    calls_per_s = _measure_calls_per_s(service)
    idle_tasks = _count_tasks(service)
    sandbox.inject_fault({"latency_ms": 4_000}, times=1_000)

    async def load(stub: ProductServiceStub) -> Counter[str]:
        calls = [stub.SearchByKeyword(SEARCH, timeout=60) for _ in range(1_000)]
        await _until(lambda: sandbox.state()["in_flight"] == 1_000)
        assert _metric(service, "nationalsite_upstream_in_flight") == 1_000
        for call in calls[::2]:
            call.cancel()
        return Counter([(await call.code()).name for call in calls])

    assert _run(service, load) == {"CANCELLED": 500, "OK": 500}
    _assert_no_leaks(service, sandbox, idle_tasks, max_connections=500)
    assert _measure_calls_per_s(service) > calls_per_s / 2


def test_1688_is_down_and_recovers() -> None:
    """During the outage, errors come fast and attempts are few. Soon after it, the speed is as before."""
    upstream = start_sandbox(log="test-outage-sandbox")
    listen = upstream.address.removeprefix("http://")
    service = start_service("product", upstream.address, log="test-outage-product")
    try:
        calls_per_s = _measure_calls_per_s(service)
        idle_tasks = _count_tasks(service)
        assert stop(upstream) == 0
        # All of them succeeded, and are still in the window of the circuit breaker.
        attempts_before = _attempts(service)

        async def outage(stub: ProductServiceStub) -> tuple[Counter[str], float]:
            outcomes: Counter[str] = Counter()
            longest_s = 0.0
            end = time.monotonic() + OUTAGE_S

            async def caller() -> None:
                nonlocal longest_s
                while time.monotonic() < end:
                    started = time.monotonic()
                    outcomes[(await stub.SearchByKeyword(SEARCH, timeout=10).code()).name] += 1
                    longest_s = max(longest_s, time.monotonic() - started)
                    await asyncio.sleep(0.01)  # a caller that respects RetryInfo would wait longer

            await asyncio.gather(*(caller() for _ in range(50)))
            return outcomes, longest_s

        outcomes, longest_s = _run(service, outage)
        assert outcomes.keys() == {"UNAVAILABLE"}
        assert longest_s < 3
        assert _metric(service, "nationalsite_upstream_circuit_breaker_state") == 2
        assert _attempts(service) - attempts_before < attempts_before + 30 * OUTAGE_S < outcomes.total()
        upstream = start_sandbox(listen, log="test-outage-sandbox")

        async def recovery(stub: ProductServiceStub) -> float:
            started = time.monotonic()
            successes = 0
            while successes < 20:
                status = await stub.SearchByKeyword(SEARCH, timeout=10).code()
                successes = successes + 1 if status is OK else 0
                await asyncio.sleep(0.05)
                assert time.monotonic() - started < 20
            return time.monotonic() - started

        assert _run(service, recovery) < 8
        assert _metric(service, "nationalsite_upstream_circuit_breaker_state") == 0
        _assert_no_leaks(service, SandboxClient(upstream.address), idle_tasks, max_connections=20)
        assert _measure_calls_per_s(service) > calls_per_s / 2
    finally:
        assert stop(service) == 0
        assert stop(upstream) == 0


def test_an_open_breaker_stops_the_relay(tmp_path: Path) -> None:
    """While 1688 is down, a backlog costs nothing: neither CPU, nor attempts of its deliveries."""
    url = f"sqlite+aiosqlite:///{tmp_path}/order_sync.db"
    relation = ordersync.OrderRelation(
        national_order_id="1", national_sub_order_id="2", cbu_order_id=3, cbu_order_entry_id=4
    )
    relations = ordersync.OrderRelations(relations=[relation])
    asyncio.run(_insert_backlog(url, relations.SerializeToString()))
    upstream = start_sandbox(log="test-relay-sandbox")
    assert stop(upstream) == 0
    settings = {"NATIONALSITE_DATABASE_URL": url, "NATIONALSITE_REPLAY_SECONDS": "0"}
    service = start_service("order_sync", upstream.address, settings, log="test-relay-order-sync")
    try:
        wait_until(lambda: _metric(service, "nationalsite_upstream_circuit_breaker_state") == 2)

        def count_attempts() -> int:
            return service.log.read_text().count("delivery_attempted")

        attempts_before, cpu_before_s = count_attempts(), cpu_s(service.process.pid)
        time.sleep(OUTAGE_S)  # what is measured is a rate
        # Those that were in flight when the breaker opened end, too.
        assert count_attempts() - attempts_before < MAX_RELAY_CALLS + 5 * OUTAGE_S
        assert cpu_s(service.process.pid) - cpu_before_s < 0.2 * OUTAGE_S
        assert _metric(service, "nationalsite_upstream_circuit_breaker_state") > 0
        pending = _metric(service, "nationalsite_deliveries_pending")
        upstream = start_sandbox(upstream.address.removeprefix("http://"), log="test-relay-sandbox")
        wait_until(lambda: _metric(service, "nationalsite_upstream_circuit_breaker_state") == 0)
        wait_until(lambda: len(SandboxClient(upstream.address).calls()) > 100)
        assert pending == BACKLOG
    finally:
        assert stop(service) == 0
        stop(upstream)


def test_goodput_at_ten_times_the_capacity(
    start_dedicated: StartDedicated, sandbox: SandboxClient, report: Callable[[str], None]
) -> None:
    """Five concurrent calls of 0.1 s each are fifty calls a second; the load is five hundred."""
    service, _ = start_dedicated("product", settings={"NATIONALSITE_MAX_UPSTREAM_CALLS": "5"})
    idle_tasks = _count_tasks(service)
    sandbox.inject_fault({"latency_ms": 100}, times=10_000)
    seconds = 6

    async def capacity(stub: ProductServiceStub) -> float:
        successes = 0
        end = time.monotonic() + 3

        async def caller() -> None:
            nonlocal successes
            while time.monotonic() < end:
                status = await stub.SearchByKeyword(SEARCH, timeout=2).code()
                successes += status is OK  # after the await: the callers share the count

        await asyncio.gather(*(caller() for _ in range(5)))
        return successes / 3

    async def overload(stub: ProductServiceStub, rate: float) -> Counter[str]:
        calls = []
        started = time.monotonic()
        while (elapsed_s := time.monotonic() - started) < seconds:
            while len(calls) < elapsed_s * rate:
                calls.append(stub.SearchByKeyword(SEARCH, timeout=2))
            await asyncio.sleep(0.005)
        return Counter([(await call.code()).name for call in calls])

    peak = _run(service, capacity)
    outcomes = _run(service, lambda stub: overload(stub, 10 * peak))
    goodput = outcomes["OK"] / seconds
    report(
        f"peak {peak:.0f}/s; goodput {goodput:.0f}/s of {outcomes.total() / seconds:.0f}/s; {dict(outcomes)}"
    )
    assert outcomes.total() > 9 * peak * seconds
    assert goodput >= 0.8 * peak
    assert outcomes["RESOURCE_EXHAUSTED"] > 0.8 * outcomes.total()
    sandbox.admin("DELETE", "faults")
    _assert_no_leaks(service, sandbox, idle_tasks, max_connections=5)


OK = grpc.StatusCode.OK


async def _insert_backlog(url: str, payload: bytes) -> None:
    async with open_store(url) as store:
        await insert_backlog(store, count=BACKLOG, keys=BACKLOG, rpc="WriteOrderRelations", payload=payload)


def _run(service: RunningProcess, load: Load) -> Any:
    async def run() -> Any:
        async with grpc.aio.insecure_channel(service.address) as channel:
            return await load(ProductServiceStub(channel))

    return asyncio.run(run())


def _measure_calls_per_s(service: RunningProcess) -> float:
    """Return the calls per second at a concurrency of twenty, the best of three measurements."""

    async def calls(stub: ProductServiceStub) -> float:
        async def caller() -> None:
            for _ in range(10):
                await stub.SearchByKeyword(SEARCH, timeout=20)

        started = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(20)))
        return 200 / (time.monotonic() - started)

    return max(_run(service, calls) for _ in range(3))


def _count_tasks(service: RunningProcess) -> float:
    """Return how many asyncio tasks a service has."""
    return _metric(service, "nationalsite_tasks")


def _assert_no_leaks(
    service: RunningProcess, sandbox: SandboxClient, idle_tasks: float, max_connections: int
) -> None:
    """Wait until no call is in flight or queued, and no more tasks and connections are open than allowed."""

    async def settled() -> None:
        await _until(lambda: sandbox.state()["in_flight"] == 0)
        await _until(lambda: _metric(service, "nationalsite_upstream_in_flight") == 0)
        await _until(lambda: _metric(service, "nationalsite_upstream_queued") == 0)
        await _until(lambda: _metric(service, "nationalsite_tasks") <= idle_tasks)
        # This admin request uses one more connection.
        await _until(lambda: sandbox.state()["connections"] <= max_connections + 1)

    asyncio.run(settled())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 # a condition of another process has no event
            await asyncio.sleep(0.05)


def _metric(service: RunningProcess, name: str) -> float:
    return sum(value for sample_name, value in _samples(service) if sample_name == name)


def _attempts(service: RunningProcess) -> float:
    return _metric(service, "nationalsite_upstream_attempts_total")


def _samples(service: RunningProcess) -> list[tuple[str, float]]:
    with urllib.request.urlopen(f"{service.http}/metrics", timeout=10) as response:
        families = text_string_to_metric_families(response.read().decode())
        return [(sample.name, sample.value) for family in families for sample in family.samples]
