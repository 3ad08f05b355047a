"""After which errors the Python consumer opens another stream.

clients/go/consumer_test.go has the same cases.
"""

import asyncio
from contextlib import AsyncExitStack

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from nationalsite.ordersync import v1 as protos
from nationalsite_client import AsyncConsumer, parse_error

from tests.clients.conftest import TIMEOUT_S
from tests.clients.stream_server import connect


class FailingService:
    """Ends every stream with one error, and counts the streams."""

    def __init__(self, code: grpc.StatusCode, reason: str) -> None:
        self.streams: asyncio.Queue[None] = asyncio.Queue()
        self._code = code
        self._status = status_pb2.Status(code=code.value[0])
        self._status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason))

    async def stream_messages(self, _requests, context: grpc.aio.ServicerContext) -> None:
        self.streams.put_nowait(None)
        trailers = (("grpc-status-details-bin", self._status.SerializeToString()),)
        await context.abort(self._code, "simulated", trailers)


@pytest.fixture
async def start_consumer():
    """start_consumer(service) returns the task of a consumer of this service."""
    async with AsyncExitStack() as stack:

        async def start(service: FailingService) -> asyncio.Task[None]:
            channel = await stack.enter_async_context(connect(service.stream_messages))
            consumer = asyncio.create_task(AsyncConsumer(channel, "shop", _ignore).run())
            stack.push_async_callback(asyncio.wait, [consumer])
            stack.callback(consumer.cancel)
            return consumer

        yield start


async def _ignore(_message: protos.Message) -> None:
    pass


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "ERROR_REASON_SUBSCRIPTION_MISMATCH"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "ERROR_REASON_SUBSCRIPTION_LIMIT"),
        pytest.param(grpc.StatusCode.NOT_FOUND, "ERROR_REASON_NEWER", id="the code decides"),
    ],
    ids=str,
)
async def test_error_is_raised(code: grpc.StatusCode, reason: str, start_consumer) -> None:
    consumer = await start_consumer(FailingService(code, reason))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await asyncio.wait_for(consumer, TIMEOUT_S)
    assert parse_error(raised.value).reason_name == reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "ERROR_REASON_OVERLOADED"),
        (grpc.StatusCode.INTERNAL, "ERROR_REASON_INTERNAL_FAULT"),
        pytest.param(grpc.StatusCode.ABORTED, "ERROR_REASON_NEWER", id="the code decides"),
    ],
    ids=str,
)
async def test_stream_is_opened_again(code: grpc.StatusCode, reason: str, start_consumer) -> None:
    service = FailingService(code, reason)
    consumer = await start_consumer(service)
    async with asyncio.timeout(TIMEOUT_S):
        await service.streams.get()
        await service.streams.get()
    assert not consumer.done()
