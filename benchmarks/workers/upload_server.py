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

from benchmarks.workers.serving import serve


async def main(method: str, response: bytes) -> None:
    """Serve until stopped."""
    validator = protovalidate.Validator()

    async def respond(_requests: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        upload = UploadImageRequest.FromString(await context.read())
        if validator.collect_violations(upload, fail_fast=True):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT)
        return response

    await serve(
        method,
        grpc.stream_unary_rpc_method_handler(respond),
        options=(("grpc.max_receive_message_length", -1),),
    )


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes()))
