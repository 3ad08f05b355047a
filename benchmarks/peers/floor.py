"""The least that a gRPC service before 1688 can do in Python: a fixed POST, and an answer made beforehand.

Arguments: the upstream's URL, the path of the method, a file with the answer.
"""

import asyncio
import sys
from pathlib import Path

import aiohttp
import grpc
import grpc.aio
import uvloop

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}


async def main(url: str, method: str, answer: bytes) -> None:
    """Serve until stopped."""
    body = b"access_token=test-access-token&offerQueryParam=" + b"x" * 120 + b"&_aop_signature=" + b"A" * 40
    service, _, name = method.strip("/").partition("/")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000)) as session:

        async def forward(_request: bytes, _context: object) -> bytes:
            async with session.post(url, data=body, headers=FORM) as reply:
                await reply.read()
            return answer

        server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(forward)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(f"127.0.0.1:{port}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_bytes()))
