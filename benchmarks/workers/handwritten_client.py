"""A handwritten client of 1688, as a caller might write it: httpx, sign, POST, json, dict."""

import asyncio
import hashlib
import hmac
import json
import sys
from decimal import Decimal
from typing import Any

import httpx

from benchmarks.workers import load_generator
from benchmarks.workers.command_loop import run_commands

APP_KEY = "1000000"
APP_SECRET = b"test-app-secret"
ACCESS_TOKEN = "test-access-token"  # noqa: S105 # made up


class AlibabaClient:
    """A small client of 1688."""

    def __init__(self, gateway: str) -> None:
        # As many connections as calls in flight: httpx keeps only 20 by default, and would reconnect often.
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(base_url=gateway, limits=limits, timeout=30)

    async def search(self, keyword: str, page: int, page_size: int, language: str) -> list[dict[str, Any]]:
        """Return the offers of a page."""
        query = {"keyword": keyword, "beginPage": page, "pageSize": page_size, "country": language}
        path = f"param2/1/com.alibaba.fenxiao.crossborder/product.search.keywordQuery/{APP_KEY}"
        parameters = {
            "access_token": ACCESS_TOKEN,
            "offerQueryParam": json.dumps(query, ensure_ascii=False),
        }
        signed = path + "".join(name + value for name, value in sorted(parameters.items()))
        parameters["_aop_signature"] = hmac.new(APP_SECRET, signed.encode(), hashlib.sha1).hexdigest().upper()
        response = await self._http.post(f"/openapi/{path}", data=parameters)
        response.raise_for_status()
        result = response.json()["result"]
        if not result["success"]:
            raise RuntimeError(f"1688 rejected the call: {result['code']} {result['message']}")
        return [
            {
                "id": offer["offerId"],
                "title": offer["subjectTrans"] or offer["subject"],
                "image": offer["imageUrl"],
                "price": Decimal(offer["priceInfo"]["price"]),
                "sold": offer["monthSold"],
                "min_order": offer["minOrderQuantity"],
                "score": offer["tradeScore"],
            }
            for offer in result["result"]["data"]
        ]

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def main(gateway: str) -> None:
    """Run commands until stdin ends."""
    client = AlibabaClient(gateway)

    async def search() -> int:
        return len(await client.search("dress", 1, 20, "en"))

    async def closed_loop(in_flight: int, calls: int) -> object:
        return await load_generator.closed_loop(search, in_flight=in_flight, calls=calls)

    await run_commands({"closed_loop": closed_loop})
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
