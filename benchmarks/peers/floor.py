"""The floor, and an echo: `python -m benchmarks.peers.floor RPC FILE [URL]`.

A grpc.aio handler that answers the bytes of the file. With a URL it forwards a fixed POST there first,
through bare aiohttp, and throws the answer away: the least that a service of this kind can do.
"""

import sys
from pathlib import Path

import aiohttp
import grpc
import uvloop

FORM = (
    b"offerQueryParam=%7B%22keyword%22%3A%22search-20%22%2C%22beginPage%22%3A1%2C%22pageSize%22%3A20%7D"
    b"&access_token=test-access-token&_aop_signature=0123456789ABCDEF0123456789ABCDEF01234567"
)


async def main(rpc: str, answer: bytes, url: str | None) -> None:
    """Serve until the process is stopped."""
    service, _, method = rpc.partition("/")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000)) as session:

        async def forward(_request: bytes, _context: object) -> bytes:
            async with session.post(f"{url}/openapi/", data=FORM) as response:
                await response.read()
            return answer

        async def echo(_request: bytes, _context: object) -> bytes:
            return answer

        server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(forward if url else echo)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(f"listening on 127.0.0.1:{port}", flush=True)
        await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), next(iter(sys.argv[3:]), None)))
