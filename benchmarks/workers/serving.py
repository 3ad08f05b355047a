"""Serves one method, for the minimal gRPC servers."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import grpc
import grpc.aio

MethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # in quotes: only the type stubs make it generic


async def serve(path: str, handler: MethodHandler, *, options: Sequence[tuple[str, int]] = ()) -> None:
    """Print the address, and serve until stopped. `path` is that of the method, `/package.Service/Method`."""
    service, _, name = path.strip("/").partition("/")
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()
