"""Rows about a search: CPU of a call beside its peers, latency, and many in flight."""

import asyncio
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from nationalsite.product.v1 import product_service_pb2 as product

from benchmarks import load, processes
from benchmarks.load import Load
from benchmarks.measuring import Spread, cpu_s
from benchmarks.peers import transcoder
from benchmarks.processes import Process
from benchmarks.result import Figure, Result

SEARCH = "nationalsite.product.v1.ProductService/SearchByKeyword"
ROUNDS, IN_FLIGHT, CALLS = 7, 32, 640
WARM_UP = 320
DELAY_MS, MANY, EACH = 1_000, 1_000, 3
REPEATED = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One of those that are compared."""

    process: Process
    load: Load


def search(process: Process, keyword: str = "search-20", offers: int = 20) -> Load:
    """Return a search through a service."""
    request = product.SearchByKeywordRequest(keyword=keyword, page_size=offers, language="en")

    def is_right(answer: bytes) -> bool:
        return len(product.SearchByKeywordResponse.FromString(answer).offers) == offers

    return Load(address=process.address, rpc=SEARCH, request=request.SerializeToString(), check=is_right)


@contextmanager
def peers() -> Iterator[tuple[dict[str, Peer], Process, str]]:
    """Run the product service and its peers; yield those that serve gRPC, the work by hand, the upstream."""
    with ExitStack() as stack:
        url = stack.enter_context(processes.upstream()).address
        suite = stack.enter_context(processes.service("product", url))
        answer = asyncio.run(_one(search(suite)))
        floor = stack.enter_context(processes.forwarding(SEARCH, answer, url))
        envoy = stack.enter_context(processes.envoy(url))
        by_hand = stack.enter_context(processes.hand(url))
        fields = b"\x0a\x09search-20\x10\x14"
        through_envoy = Load(address=envoy.address, rpc=transcoder.METHOD, request=fields)
        yield (
            {
                "suite": Peer(process=suite, load=search(suite)),
                "floor": Peer(process=floor, load=search(floor)),
                "envoy": Peer(process=envoy, load=through_envoy),
            },
            by_hand,
            url,
        )


async def _one(what: Load) -> bytes:
    kept: list[bytes] = []

    def keep(answer: bytes) -> bool:
        kept.append(answer)
        return what.check(answer)

    await load.run(Load(address=what.address, rpc=what.rpc, request=what.request, check=keep), 1, 1)
    return kept[0]


def cpu_of_a_call() -> list[Result]:
    """CPU of the serving process for a page of 20 offers, 32 in flight, in turn with its peers."""
    with peers() as (served, by_hand, _):
        taken: dict[str, list[float]] = {name: [] for name in (*served, "hand")}
        for number in range(-1, ROUNDS):  # the first one warms up
            calls = CALLS if number >= 0 else WARM_UP
            for name, peer in served.items():
                cpu_us = alone(peer, IN_FLIGHT, calls)
                if number >= 0:
                    taken[name].append(cpu_us)
            told = by_hand_round(by_hand, IN_FLIGHT, calls)
            if number >= 0:
                taken["hand"].append(told["cpu_s"] / len(told["times_s"]) * 1e6)
    figures = {
        name: Figure(unit="us of CPU a call", spread=Spread.of(found)) for name, found in taken.items()
    }
    title = "SearchByKeyword, 20 offers, 32 in flight, against"
    return [
        Result.ratio("search-hand", f"{title} the work by hand", figures, "hand", 1 / 3),
        Result.ratio("search-envoy", f"{title} Envoy's reverse transcoder", figures, "envoy", 4),
        Result.ratio("search-floor", f"{title} the floor", figures, "floor", 1.33),
    ]


def alone(peer: Peer, in_flight: int, calls: int) -> float:
    """Return the microseconds of CPU that a call costs the serving process."""
    before = cpu_s(peer.process.pid)
    took = asyncio.run(load.run(peer.load, in_flight, calls))
    return (cpu_s(peer.process.pid) - before) / (len(took.times_s) + 1) * 1e6


def by_hand_round(by_hand: Process, in_flight: int, calls: int) -> dict:
    """Have the work by hand make calls; return what it tells."""
    stdin, stdout = by_hand.process.stdin, by_hand.process.stdout
    assert stdin is not None and stdout is not None  # noqa: S101, PT018 # they are pipes
    stdin.write(f"{in_flight} {calls}\n")
    stdin.flush()
    found: dict = json.loads(stdout.readline())
    return found


def latency() -> list[Result]:
    """What a caller waits for one search at a time: through the service, and by hand."""
    with peers() as (served, by_hand, _):
        suite = served["suite"]
        taken: dict[str, list[list[float]]] = {"suite": [], "hand": []}
        for _round in range(ROUNDS):
            calls = REPEATED // ROUNDS
            taken["suite"].append(asyncio.run(load.run(suite.load, 1, calls)).times_s)
            taken["hand"].append(by_hand_round(by_hand, 1, calls)["times_s"])
    figures = {}
    for name, rounds in taken.items():
        for which, percent in (("p50", 50), ("p99", 99)):
            found = [_percentile(times, percent) * 1000 for times in rounds]
            figures[f"{name} {which}"] = Figure(unit="ms", spread=Spread.of(found))
    added = figures["suite p50"].spread.median - figures["hand p50"].spread.median
    return [
        Result(
            row="latency",
            title="latency of a search, 1 in flight: added to a direct call by hand, p50",
            figures=figures,
            found=added,
            wanted=0.5,
            unit="ms",
        )
    ]


def many_in_flight() -> list[Result]:
    """A thousand searches in flight at an upstream that takes a second for each, begun evenly."""
    room = {"NATIONALSITE_MAX_UPSTREAM_CALLS": str(MANY)}
    with processes.upstream() as upstream, processes.service("product", upstream.address, room) as suite:
        slow = search(suite, f"search-20-wait-{DELAY_MS}")
        took = asyncio.run(load.run(slow, MANY, MANY * EACH, over_s=DELAY_MS / 1000))
        found = {which: _percentile(took.times_s, percent) for which, percent in (("p50", 50), ("p99", 99))}
    figures = {which: Figure(unit="s", spread=Spread.of([value])) for which, value in found.items()}
    return [
        Result(
            row="many",
            title="search, 1,000 in flight, upstream of 1 s: p99 against the upstream's second",
            figures=figures,
            found=found["p99"] / (DELAY_MS / 1000),
            wanted=1.3,
        )
    ]


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


Measure = Callable[[], list[Result]]
