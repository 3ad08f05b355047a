"""The work by hand: what a team writes that calls 1688 itself. `python -m benchmarks.peers.hand URL`.

Plain httpx, sign, POST, json, dict. Reads `<in flight> <calls>` from standard input, a line a round, and
prints what the round took, as JSON.
"""

import asyncio
import hashlib
import hmac
import json
import resource
import sys
import time

import httpx

PATH = "param2/1/com.alibaba.fenxiao.crossborder/product.search.keywordQuery/1000000"
SECRET = b"test-app-secret"


async def search(client: httpx.AsyncClient, url: str, keyword: str) -> dict:
    """Search for a page, and return it."""
    query = {"keyword": keyword, "beginPage": 1, "pageSize": 20, "country": "en"}
    form = {"offerQueryParam": json.dumps(query), "access_token": "test-access-token"}
    joined = PATH + "".join(name + form[name] for name in sorted(form))
    form["_aop_signature"] = hmac.new(SECRET, joined.encode(), hashlib.sha1).hexdigest().upper()
    response = await client.post(f"{url}/openapi/{PATH}", data=form)
    response.raise_for_status()
    page = response.json()["result"]
    if page["success"] is not True:
        raise RuntimeError(page["message"])
    return page["result"]


async def main(url: str) -> None:
    """Make the rounds that are asked for."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        for line in sys.stdin:
            in_flight, calls = map(int, line.split())
            times: list[float] = []

            async def worker(calls: int, times: list[float] = times) -> None:
                for _ in range(calls):
                    began = time.perf_counter()
                    page = await search(client, url, "search-20")
                    times.append(time.perf_counter() - began)
                    assert len(page["data"]) == 20  # noqa: S101 # a figure of wrong answers is worth nothing

            cpu, began = _cpu_s(), time.perf_counter()
            await asyncio.gather(*(worker(calls // in_flight) for _ in range(in_flight)))
            told = {"cpu_s": _cpu_s() - cpu, "wall_s": time.perf_counter() - began, "times_s": times}
            print(json.dumps(told), flush=True)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
