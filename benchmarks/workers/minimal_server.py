"""The minimal gRPC server in Python: it returns prepared bytes.

Arguments: the path of the method, a file with the response, and optionally the URL of an upstream. With it,
each call first posts a fixed form to it through plain aiohttp.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import grpc
import uvloop

from benchmarks.workers.serving import serve

HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
FORM = (
    b"access_token=test-access-token&offerQueryParam=%7B%22keyword%22%3A%22dress%22%2C%22beginPage%22%3A1%2C"
    b"%22pageSize%22%3A20%2C%22country%22%3A%22en%22%7D&_aop_signature=" + b"0" * 40
)


async def main(
    method: str, response: bytes, url: str = "", decode: Callable[[bytes], bytes] | None = None
) -> None:
    """Serve until stopped. `decode` computes the response from that of the upstream."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000)) as session:

        async def forward(_request: bytes, _context: object) -> bytes:
            async with session.post(url, data=FORM, headers=HEADERS) as upstream_response:
                body = await upstream_response.read()
            return decode(body) if decode else response

        async def respond(_request: bytes, _context: object) -> bytes:
            return response

        await serve(method, grpc.unary_unary_rpc_method_handler(forward if url else respond))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), "".join(sys.argv[3:])))
