"""A gRPC server that answers what it was given when it started: the least that any answer costs.

Arguments: the path of the method, a file with the answer.
"""

import asyncio
import sys
from pathlib import Path

import grpc
import grpc.aio
import uvloop


async def main(method: str, answer: bytes) -> None:
    """Serve until stopped."""
    service, _, name = method.strip("/").partition("/")

    async def echo(_request: bytes, _context: object) -> bytes:
        return answer

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(echo)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes()))
