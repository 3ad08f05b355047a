"""The row about an answer that is kept: the categories, beside an echo of the same bytes."""

import asyncio

from nationalsite.product.v1 import product_service_pb2 as product

from benchmarks import load, processes
from benchmarks.load import Load
from benchmarks.measuring import Spread
from benchmarks.result import Figure, Result
from benchmarks.searching import IN_FLIGHT, Peer, alone

CATEGORY = "nationalsite.product.v1.ProductService/GetCategory"
ROUNDS, CALLS = 7, 960


def cached() -> list[Result]:
    """CPU of a kept GetCategory, in turn with an echo."""
    request = product.GetCategoryRequest(category_id=0).SerializeToString()
    kept: list[bytes] = []

    def keep(answer: bytes) -> bool:
        kept.append(answer)
        return bool(product.GetCategoryResponse.FromString(answer).categories)

    with processes.upstream() as upstream, processes.service("product", upstream.address) as suite:
        through = Load(address=suite.address, rpc=CATEGORY, request=request, check=keep)
        asyncio.run(load.run(through, 1, 1))
        with processes.forwarding(CATEGORY, kept[0]) as echo:
            peers = {
                "suite": Peer(process=suite, load=through),
                "echo": Peer(process=echo, load=Load(address=echo.address, rpc=CATEGORY, request=request)),
            }
            taken: dict[str, list[float]] = {name: [] for name in peers}
            for number in range(-1, ROUNDS):  # the first one warms up
                for name, peer in peers.items():
                    cpu_us = alone(peer, IN_FLIGHT, CALLS)
                    if number >= 0:
                        taken[name].append(cpu_us)
    figures = {
        name: Figure(unit="us of CPU a call", spread=Spread.of(found)) for name, found in taken.items()
    }
    return [Result.ratio("cached", "cached GetCategory: an echo of the same bytes", figures, "echo", 1.25)]
