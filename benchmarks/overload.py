"""The row about too many callers: what still gets through, against the most that ever does."""

import asyncio
import time
from collections import Counter

import grpc.aio

from benchmarks import processes
from benchmarks.load import DEADLINE_S, OPTIONS, Load
from benchmarks.measuring import Spread
from benchmarks.result import Figure, Result
from benchmarks.searching import search

PLACES, DELAY_MS, FOR_S, TIMES, ROUNDS = 32, 100, 5.0, 10, 3
AGAIN_S = 0.05
"""How soon a caller that was refused asks again."""


def overload() -> list[Result]:
    """Goodput with ten times as many callers as there are places at 1688, and with just as many."""
    room = {"NATIONALSITE_MAX_UPSTREAM_CALLS": str(PLACES)}
    peaks, goods, refused = [], [], Counter[str]()
    with processes.upstream() as upstream, processes.service("product", upstream.address, room) as suite:
        what = search(suite, f"search-20-wait-{DELAY_MS}")
        for _ in range(ROUNDS):
            peaks.append(asyncio.run(_outcomes(what, PLACES))["OK"] / FOR_S)
            outcomes = asyncio.run(_outcomes(what, PLACES * TIMES))
            goods.append(outcomes["OK"] / FOR_S)
            refused += outcomes
    peak, good = Spread.of(peaks), Spread.of(goods)
    figures = {"peak": Figure(unit="OK/s", spread=peak), "at ten times": Figure(unit="OK/s", spread=good)}
    for status, count in refused.items():
        if status != "OK":
            figures[status] = Figure(unit="calls", spread=Spread.of([count]))
    return [
        Result(
            row="overload",
            title="overload, ten times the bulkhead's capacity: goodput against the peak",
            figures=figures,
            found=good.median / peak.median,
            wanted=0.8,
            at_least=True,
        )
    ]


async def _outcomes(what: Load, callers: int) -> Counter[str]:
    """Have callers call for a while; return how often each status came."""
    found: Counter[str] = Counter()
    ends = time.monotonic() + FOR_S

    async def caller(call: "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]") -> None:
        while time.monotonic() < ends:
            try:
                await call(what.request, timeout=DEADLINE_S)
                found["OK"] += 1
            except grpc.aio.AioRpcError as error:
                found[error.code().name] += 1
                await asyncio.sleep(AGAIN_S)

    async with grpc.aio.insecure_channel(what.address, options=OPTIONS) as channel:
        await asyncio.gather(*(caller(channel.unary_unary(f"/{what.rpc}")) for _ in range(callers)))
    return found
