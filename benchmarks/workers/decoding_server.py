"""The minimal server, and the decoder of the service: it decodes each response of the upstream.

Arguments: as those of minimal_server.py, and the dialect.
"""

import sys
from pathlib import Path

import uvloop
from nationalsite.product import v1 as protos

from benchmarks.workers import minimal_server
from services.adapter.codec import Dialect, compile_service


async def main(method: str, response: bytes, url: str, dialect: str) -> None:
    """Serve until stopped."""
    operation = compile_service(protos.PRODUCT_SERVICE, Dialect(dialect))[method.rpartition("/")[2]]
    request = operation.request()

    def decode(body: bytes) -> bytes:
        return operation.decode(operation.parse(body, request), request).response

    await minimal_server.main(method, response, url, decode)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), *sys.argv[3:]))
