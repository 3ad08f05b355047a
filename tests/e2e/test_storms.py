"""What storms leave behind: nothing, and full speed (`make test-faults`)."""

import asyncio
import os
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import grpc.aio
import pytest
from nationalsite.product import v1 as product
from nationalsite.product.v1 import ProductServiceStub
from prometheus_client.parser import text_string_to_metric_families

from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

pytestmark = pytest.mark.faults

OUTAGE_S = float(os.environ.get("OUTAGE_S", "5"))
"""How long 1688 is gone; longer than the pauses of retries, breaker and token."""
SEARCH = product.SearchByKeywordRequest(keyword="dress", page_size=1)

Storm = Callable[[ProductServiceStub], Coroutine[Any, Any, Any]]


def test_ten_thousand_cancelled_calls(alone, sandbox) -> None:
    service, _ = alone("product")
    before = _speed(service)
    idle = _idle(service)
    sandbox.fault({"latency_ms": 100}, times=10_000)
    chance = random.Random(1688)

    async def storm(stub: ProductServiceStub) -> Counter[str]:
        outcomes: Counter[str] = Counter()

        async def cancelled() -> None:
            call = stub.SearchByKeyword(SEARCH, timeout=20)
            asyncio.get_running_loop().call_later(chance.random() * 0.15, call.cancel)
            outcomes[(await call.code()).name] += 1

        for _ in range(25):
            await asyncio.gather(*(cancelled() for _ in range(400)))
        return outcomes

    outcomes = _run(service, storm)
    assert outcomes.total() == 10_000
    assert outcomes["CANCELLED"] > 5_000
    sandbox.admin("DELETE", "faults")
    _nothing_left(service, sandbox, idle, kept=20)
    assert _speed(service) > before / 2


def test_a_thousand_calls_at_a_slow_1688(alone, sandbox) -> None:
    service, _ = alone("product", settings={"NATIONALSITE_MAX_UPSTREAM_CALLS": "1000"})
    before = _speed(service)
    idle = _idle(service)
    sandbox.fault({"latency_ms": 4_000}, times=1_000)

    async def storm(stub: ProductServiceStub) -> Counter[str]:
        calls = [stub.SearchByKeyword(SEARCH, timeout=60) for _ in range(1_000)]
        await _until(lambda: sandbox.state()["in_flight"] == 1_000)
        assert _metric(service, "nationalsite_upstream_in_flight") == 1_000
        for call in calls[::2]:
            call.cancel()
        return Counter([(await call.code()).name for call in calls])

    assert _run(service, storm) == {"CANCELLED": 500, "OK": 500}
    _nothing_left(service, sandbox, idle, kept=500)
    assert _speed(service) > before / 2


def test_1688_is_gone_and_comes_back() -> None:
    """Told quickly and without a storm of attempts meanwhile; at full speed soon after."""
    upstream = start_sandbox(log="test-outage-sandbox")
    listen = upstream.address.removeprefix("http://")
    service = start_service("product", upstream.address, log="test-outage-product")
    try:
        before = _speed(service)
        idle = _idle(service)
        assert stop(upstream) == 0
        sent = _attempts(service)  # all of them answered, and still in the breaker's window

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
                    await asyncio.sleep(0.01)  # a caller that minds RetryInfo would wait longer

            await asyncio.gather(*(caller() for _ in range(50)))
            return outcomes, longest_s

        outcomes, longest_s = _run(service, outage)
        assert outcomes.keys() == {"UNAVAILABLE"}
        assert longest_s < 3
        assert _metric(service, "nationalsite_upstream_circuit_breaker_state") == 2
        assert _attempts(service) - sent < sent + 30 * OUTAGE_S < outcomes.total()
        upstream = start_sandbox(listen, log="test-outage-sandbox")

        async def recovery(stub: ProductServiceStub) -> float:
            started = time.monotonic()
            fine = 0
            while fine < 20:
                fine = fine + 1 if await stub.SearchByKeyword(SEARCH, timeout=10).code() is OK else 0
                await asyncio.sleep(0.05)
                assert time.monotonic() - started < 20
            return time.monotonic() - started

        assert _run(service, recovery) < 8
        assert _metric(service, "nationalsite_upstream_circuit_breaker_state") == 0
        _nothing_left(service, SandboxClient(upstream.address), idle, kept=20)
        assert _speed(service) > before / 2
    finally:
        assert stop(service) == 0
        assert stop(upstream) == 0


def test_goodput_at_ten_times_what_there_is_room_for(alone, sandbox) -> None:
    """Five places and a tenth of a second for each call: fifty calls a second, and five hundred come."""
    service, _ = alone("product", settings={"NATIONALSITE_MAX_UPSTREAM_CALLS": "5"})
    idle = _idle(service)
    sandbox.fault({"latency_ms": 100}, times=10_000)
    seconds = 6

    async def peak(stub: ProductServiceStub) -> float:
        fine = 0
        end = time.monotonic() + 3

        async def caller() -> None:
            nonlocal fine
            while time.monotonic() < end:
                told = await stub.SearchByKeyword(SEARCH, timeout=2).code()
                fine += told is OK

        await asyncio.gather(*(caller() for _ in range(5)))
        return fine / 3

    async def overload(stub: ProductServiceStub, rate: float) -> Counter[str]:
        calls = []
        started = time.monotonic()
        while (passed := time.monotonic() - started) < seconds:
            while len(calls) < passed * rate:
                calls.append(stub.SearchByKeyword(SEARCH, timeout=2))
            await asyncio.sleep(0.005)
        return Counter([(await call.code()).name for call in calls])

    best = _run(service, peak)
    outcomes = _run(service, lambda stub: overload(stub, 10 * best))
    goodput = outcomes["OK"] / seconds
    print(
        f"peak {best:.0f}/s, at {outcomes.total() / seconds:.0f}/s offered {goodput:.0f}/s; {dict(outcomes)}"
    )
    assert outcomes.total() > 9 * best * seconds
    assert goodput >= 0.8 * best
    assert outcomes["RESOURCE_EXHAUSTED"] > 0.8 * outcomes.total()
    sandbox.admin("DELETE", "faults")
    _nothing_left(service, sandbox, idle, kept=5)


OK = grpc.StatusCode.OK


def _run(service: RunningProcess, storm: Storm) -> Any:
    async def run() -> Any:
        async with grpc.aio.insecure_channel(service.address) as channel:
            return await storm(ProductServiceStub(channel))

    return asyncio.run(run())


def _speed(service: RunningProcess) -> float:
    """Return how many calls per second are answered, twenty at a time; the best of three."""

    async def calls(stub: ProductServiceStub) -> float:
        async def caller() -> None:
            for _ in range(10):
                await stub.SearchByKeyword(SEARCH, timeout=20)

        started = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(20)))
        return 200 / (time.monotonic() - started)

    return max(_run(service, calls) for _ in range(3))


def _idle(service: RunningProcess) -> float:
    """Return how many tasks an idle service has."""
    return _metric(service, "nationalsite_tasks")


def _nothing_left(service: RunningProcess, sandbox: SandboxClient, idle: float, kept: int) -> None:
    """No call, no place, no waiter, no task more than before, no connection but `kept` ones for reuse."""

    async def settled() -> None:
        await _until(lambda: sandbox.state()["in_flight"] == 0)
        await _until(lambda: _metric(service, "nationalsite_upstream_in_flight") == 0)
        await _until(lambda: _metric(service, "nationalsite_upstream_queued") == 0)
        await _until(lambda: _metric(service, "nationalsite_tasks") <= idle)
        # The admin side keeps none, and this question uses one.
        await _until(lambda: sandbox.state()["connections"] <= kept + 1)

    asyncio.run(settled())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 # of other processes, without an event
            await asyncio.sleep(0.05)


def _metric(service: RunningProcess, name: str) -> float:
    return sum(value for found, value in _samples(service) if found == name)


def _attempts(service: RunningProcess) -> float:
    return _metric(service, "nationalsite_upstream_attempts_total")


def _samples(service: RunningProcess) -> list[tuple[str, float]]:
    with urllib.request.urlopen(f"{service.http}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return [(sample.name, sample.value) for family in families for sample in family.samples]
