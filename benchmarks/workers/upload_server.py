"""The minimal gRPC server for uploads: it reads, parses and validates an image, and returns prepared bytes.

Arguments: the path of the method, and a file with the response. As the service does, it reads the request
itself, because gRPC would keep its bytes until the call ends.
"""

import sys
from pathlib import Path

import grpc
import grpc.aio
import protovalidate
import uvloop
from nationalsite.product.v1 import UploadImageRequest


async def main(method: str, response: bytes) -> None:
    """Serve until stopped."""
    service, _, name = method.strip("/").partition("/")
    validator = protovalidate.Validator()

    async def respond(_requests: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        upload = UploadImageRequest.FromString(await context.read())
        if validator.collect_violations(upload, fail_fast=True):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT)
        return response

    server = grpc.aio.server(options=(("grpc.max_receive_message_length", -1),))
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(respond)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes()))
