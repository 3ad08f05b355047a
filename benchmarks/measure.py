"""`make measure`: what a search costs on this machine, and what a service takes to start and to stand there.

Everything runs on loopback, bounded in calls. The upstream is the sandbox, slower than the service, so
the cost of a call is told as CPU time of the serving process beside the time that callers see.
"""

import asyncio
import json
import os
import statistics
import time
from pathlib import Path

import grpc.aio
from nationalsite.product.v1 import product_service_pb2 as product
from nationalsite.product.v1.product_service_pb2_grpc import ProductServiceStub

from services.adapter.codec import Dialect, compile_service, parse
from tools.stack import Running, start_sandbox, start_service, stop

SAMPLE = Path("tests/samples/replies/keyword_query.open_platform.ok.json")
OFFERS = 20
CALLS = 2000
WARM_UP = 200
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the figures."""
    decoding()
    sandbox = start_sandbox()
    try:
        started = time.perf_counter()
        service = start_service("product", sandbox.address, {"NATIONALSITE_DIALECT": "open-platform"})
        ready = time.perf_counter() - started
        try:
            print(f"start to SERVING      {ready:.2f} s wall, {cpu_s(service):.2f} s CPU")
            print(f"resident memory idle  {memory_mib(service):.0f} MiB")
            for in_flight in (1, 32):
                asyncio.run(searching(service, in_flight))
            print(f"resident memory after {memory_mib(service):.0f} MiB")
        finally:
            stop(service)
    finally:
        stop(sandbox)


def decoding() -> None:
    """Decode a page of full offers: JSON text to the serialized response."""
    page = json.loads(SAMPLE.read_text())
    page["result"]["result"]["data"] *= OFFERS
    text = json.dumps(page, ensure_ascii=False).encode()
    service = product.DESCRIPTOR.services_by_name["ProductService"]
    operation = compile_service(service, Dialect.OPEN_PLATFORM)["SearchByKeyword"]
    request = product.SearchByKeywordRequest()
    parsing, both = [], []
    for _ in range(500):
        started = time.perf_counter()
        reply = parse(text)
        parsed = time.perf_counter()
        operation.decode(reply, request)
        both.append(time.perf_counter() - started)
        parsing.append(parsed - started)
    print(
        f"decode {OFFERS} offers      {micros(both)} us median, of which JSON {micros(parsing)} us "
        f"({len(text) / 1024:.0f} KB)"
    )


async def searching(service: Running, in_flight: int) -> None:
    """Search for pages of 20 offers with a fixed number of calls in flight."""
    async with grpc.aio.insecure_channel(service.address) as channel:
        stub = ProductServiceStub(channel)
        request = product.SearchByKeywordRequest(keyword="dress", page_size=OFFERS, language="en")

        async def worker(calls: int, times: list[float]) -> None:
            for _ in range(calls):
                started = time.perf_counter()
                response = await stub.SearchByKeyword(request, timeout=30)
                times.append(time.perf_counter() - started)
                assert len(response.offers) == OFFERS  # noqa: S101 # a figure of wrong answers is worth nothing

        async def run(calls: int) -> list[float]:
            times: list[float] = []
            await asyncio.gather(*(worker(calls // in_flight, times) for _ in range(in_flight)))
            return times

        await run(WARM_UP)
        cpu, started = cpu_s(service), time.perf_counter()
        times = await run(CALLS)
        wall, cpu = time.perf_counter() - started, cpu_s(service) - cpu
    cuts = statistics.quantiles(times, n=100)
    print(
        f"search, {in_flight:2} in flight  p50 {cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms, "
        f"{len(times) / wall:.0f} calls/s, CPU of the service {cpu / len(times) * 1e6:.0f} us a call"
    )


def cpu_s(running: Running) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(running: Running) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def micros(seconds: list[float]) -> str:
    """Return the median in microseconds."""
    return f"{statistics.median(seconds) * 1e6:.0f}"


if __name__ == "__main__":
    main()
