"""A page of Python that serves prepared responses, and does for each call what any service has to do.

It parses and validates the request, looks up the response, keeps the deadline, counts and times the call,
and logs it, with the usual libraries and without functions of its own. Arguments: the path of the method,
and a file with the response. The log lines are written to a file beside it.
"""

import asyncio
import sys
from pathlib import Path
from time import perf_counter

import grpc
import grpc.aio
import msgspec
import protovalidate
import structlog
import uvloop
from nationalsite.product.v1 import GetCategoryRequest
from prometheus_client import Counter, Histogram

from benchmarks.workers.serving import serve

STARTED = Counter("calls_started", "Calls.", ["method"])
DURATION = Histogram("call_duration_seconds", "Durations of calls.", ["method", "status"])


async def main(path: str, response: bytes, log_file: Path) -> None:
    """Serve until stopped."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _logger, _name, event: msgspec.json.encode(event),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.BytesLoggerFactory(log_file.open("ab", buffering=0)),
    )
    log = structlog.get_logger().bind()
    validator = protovalidate.Validator()
    responses: dict[bytes, bytes] = {}
    started, duration = STARTED.labels(path), DURATION.labels(path, "OK")

    async def respond(payload: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        started_at = perf_counter()
        started.inc()
        try:
            async with asyncio.timeout(context.time_remaining()):
                request = GetCategoryRequest.FromString(payload)
                if validator.collect_violations(request, fail_fast=True):
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT)
                return responses.setdefault(request.SerializeToString(deterministic=True), response)
        finally:
            duration_s = perf_counter() - started_at
            duration.observe(duration_s)
            log.info("call", rpc=path, status="OK", duration_ms=round(duration_s * 1000, 2))

    await serve(path, grpc.unary_unary_rpc_method_handler(respond))


if __name__ == "__main__":
    response_file = Path(sys.argv[2])
    uvloop.run(main(sys.argv[1], response_file.read_bytes(), response_file.with_suffix(".log")))
