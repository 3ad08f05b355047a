"""The minimal gRPC server in Python: it returns prepared bytes.

Arguments: the path of the method, a file with the response, and optionally the URL of an upstream. With it,
each call first posts a fixed form to it through plain aiohttp.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import grpc
import grpc.aio
import uvloop

HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
FORM = (
    b"access_token=test-access-token&offerQueryParam=%7B%22keyword%22%3A%22dress%22%2C%22beginPage%22%3A1%2C"
    b"%22pageSize%22%3A20%2C%22country%22%3A%22en%22%7D&_aop_signature=" + b"0" * 40
)


async def main(
    method: str, response: bytes, url: str = "", decode: Callable[[bytes], bytes] | None = None
) -> None:
    """Serve until stopped. `decode` computes the response from that of the upstream."""
    service, _, name = method.strip("/").partition("/")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000)) as session:

        async def forward(_request: bytes, _context: object) -> bytes:
            async with session.post(url, data=FORM, headers=HEADERS) as upstream_response:
                body = await upstream_response.read()
            return decode(body) if decode else response

        async def respond(_request: bytes, _context: object) -> bytes:
            return response

        server = grpc.aio.server()
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            forward if url else respond
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(f"127.0.0.1:{port}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), "".join(sys.argv[3:])))
