"""The leases of the Python consumer, with a service whose responses the test decides.

clients/go/consumer_test.go has the same cases.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite_client import AsyncConsumer, ConsumerOptions, get_received_message

from tests.clients.conftest import TIMEOUT_S, wait_until
from tests.clients.stream_server import connect

Requests = asyncio.Queue[protos.StreamMessagesRequest]


class Stream:
    """The service's side of a stream."""

    def __init__(self) -> None:
        self.requests: Requests = asyncio.Queue()
        self.responses: asyncio.Queue[protos.StreamMessagesResponse | None] = asyncio.Queue()
        """None ends the stream."""

    def deliver(self, attempt: int, *message_ids: str) -> None:
        """Deliver messages in one response. Their ack ids are "<message id>#<attempt>"."""
        received = [
            protos.ReceivedMessage(
                ack_id=f"{message_id}#{attempt}", message={"message_id": message_id}, delivery_attempt=attempt
            )
            for message_id in message_ids
        ]
        self.responses.put_nowait(protos.StreamMessagesResponse(delivered={"received_messages": received}))

    def lapse(self, *ack_ids: str) -> None:
        self.responses.put_nowait(protos.StreamMessagesResponse(lapsed={"ack_ids": ack_ids}))

    def end(self) -> None:
        self.responses.put_nowait(None)

    async def next(self) -> protos.StreamMessagesRequest:
        async with asyncio.timeout(TIMEOUT_S):
            return await self.requests.get()

    async def expect_acks(self, *ack_ids: str) -> None:
        """Wait for these acknowledgements; fail if other messages are acknowledged, or at another request."""
        acknowledged: list[str] = []
        while len(acknowledged) < len(ack_ids):
            request = await self.next()
            assert request.HasField("ack"), request
            acknowledged += request.ack.ack_ids
        assert sorted(acknowledged) == sorted(ack_ids)

    async def expect_set_lease(self, lease_s: int, *ack_ids: str) -> None:
        request = await self.next()
        assert list(request.set_lease.ack_ids) == list(ack_ids), request
        assert request.set_lease.lease.seconds == lease_s


class FakeService:
    """Passes each stream that a consumer opens to the test."""

    def __init__(self) -> None:
        self._streams: asyncio.Queue[Stream] = asyncio.Queue()

    async def stream_messages(self, requests, _context):
        stream = Stream()
        self._streams.put_nowait(stream)
        reader = asyncio.create_task(self._read(requests, stream))
        try:
            while (response := await stream.responses.get()) is not None:
                yield response
        finally:
            reader.cancel()

    async def next_stream(self) -> Stream:
        """Wait for the next stream and return it after its first request."""
        async with asyncio.timeout(TIMEOUT_S):
            stream = await self._streams.get()
        assert (await stream.next()).HasField("open")
        return stream

    async def _read(self, requests, stream: Stream) -> None:
        async for request in requests:
            stream.requests.put_nowait(request)
        stream.end()


@pytest.fixture
async def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def channel(service: FakeService) -> AsyncIterator[grpc.aio.Channel]:
    async with connect(service.stream_messages) as channel:
        yield channel


class RunningConsumer:
    """A consumer in the background of a test, whose handlers return when the test says so."""

    def __init__(self, channel: grpc.aio.Channel, *, ignores_cancellation: bool = False, **options) -> None:
        self.started: list[protos.ReceivedMessage] = []
        self.cancelled_ids: list[str] = []
        self.returned_ids: list[str] = []
        self._ignores_cancellation = ignores_cancellation
        self._results: asyncio.Queue[None] = asyncio.Queue()
        self._consumer = AsyncConsumer(channel, "shop", self._handle, ConsumerOptions(**options))
        self._task = asyncio.create_task(self._consumer.run())

    async def _handle(self, message: protos.Message) -> None:
        self.started.append(get_received_message())
        waiting = asyncio.ensure_future(self._results.get())
        try:
            await (asyncio.shield(waiting) if self._ignores_cancellation else waiting)
        except asyncio.CancelledError:
            self.cancelled_ids.append(message.message_id)
            if not self._ignores_cancellation:
                raise
            await waiting
        self.returned_ids.append(message.message_id)

    def finish_handler(self) -> None:
        """Let the handler return that has run longest."""
        self._results.put_nowait(None)

    async def wait_until_started(self, count: int) -> None:
        await wait_until(lambda: len(self.started) >= count)

    def stop(self) -> None:
        self._consumer.stop()

    async def wait_stopped(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await self._task


async def test_messages_of_one_response_are_handled_concurrently(channel, service) -> None:
    consumer = RunningConsumer(channel)
    stream = await service.next_stream()
    stream.deliver(7, "1", "2", "3")
    await consumer.wait_until_started(3)
    assert [received.delivery_attempt for received in consumer.started] == [7, 7, 7]
    for _ in range(3):
        consumer.finish_handler()
    await stream.expect_acks("1#7", "2#7", "3#7")
    consumer.stop()
    await consumer.wait_stopped()


async def test_message_with_a_lapsed_lease_is_left_alone(channel, service, caplog) -> None:
    consumer = RunningConsumer(channel)
    stream = await service.next_stream()
    stream.deliver(1, "1", "2")
    await consumer.wait_until_started(2)
    stream.lapse("1#1")
    await wait_until(lambda: consumer.cancelled_ids == ["1"])
    consumer.finish_handler()
    await stream.expect_acks("2#1")
    consumer.stop()
    await consumer.wait_stopped()
    assert stream.requests.empty()
    assert caplog.text.count("lease_lapsed message_id=1 ") == 1
    assert "handler_failed" not in caplog.text


@pytest.mark.slow
async def test_lapsed_lease_is_not_extended(channel, service) -> None:
    consumer = RunningConsumer(channel, lease_s=10, ignores_cancellation=True)
    stream = await service.next_stream()
    stream.deliver(1, "1", "2")
    await stream.expect_set_lease(10, "1#1", "2#1")
    stream.lapse("1#1")
    await stream.expect_set_lease(10, "2#1")
    for _ in range(2):
        consumer.finish_handler()
    await stream.expect_acks("2#1")
    consumer.stop()
    await consumer.wait_stopped()


async def test_message_handled_after_its_lease_is_acknowledged_when_redelivered(channel, service) -> None:
    consumer = RunningConsumer(channel, ignores_cancellation=True)
    stream = await service.next_stream()
    stream.deliver(1, "1")
    await consumer.wait_until_started(1)
    stream.lapse("1#1")
    await wait_until(lambda: consumer.cancelled_ids == ["1"])
    consumer.finish_handler()
    await wait_until(lambda: consumer.returned_ids == ["1"])
    stream.deliver(2, "1")
    await stream.expect_acks("1#2")
    consumer.stop()
    await consumer.wait_stopped()
    assert len(consumer.started) == 1


async def test_redelivery_to_the_same_handler_replaces_the_lease(channel, service) -> None:
    consumer = RunningConsumer(channel)
    stream = await service.next_stream()
    stream.deliver(1, "1")
    stream.deliver(2, "1")
    stream.lapse("1#1")
    stream.deliver(1, "2")
    await consumer.wait_until_started(2)
    for _ in range(2):
        consumer.finish_handler()
    await stream.expect_acks("1#2", "2#1")
    consumer.stop()
    await consumer.wait_stopped()
    assert not consumer.cancelled_ids
    assert len(consumer.started) == 2


async def test_lapsed_ack_is_logged(channel, service, caplog) -> None:
    consumer = RunningConsumer(channel)
    stream = await service.next_stream()
    stream.deliver(1, "1", "2")
    for _ in range(2):
        consumer.finish_handler()
    await stream.expect_acks("1#1", "2#1")
    stream.lapse("1#1", "unknown")
    await wait_until(lambda: caplog.text.count("ack_lapsed message_id=1\n") == 1)
    consumer.stop()
    await consumer.wait_stopped()
    assert caplog.text.count("ack_lapsed") == 1


async def test_a_full_consumer_notices_lapsed_leases(channel, service) -> None:
    consumer = RunningConsumer(channel, max_outstanding=1)
    stream = await service.next_stream()
    stream.deliver(1, "1")
    stream.deliver(1, "lapses", "2")
    stream.lapse("lapses#1")
    stream.lapse("1#1")
    await consumer.wait_until_started(2)
    assert [received.ack_id for received in consumer.started] == ["1#1", "2#1"]
    consumer.finish_handler()
    await stream.expect_acks("2#1")
    consumer.stop()
    await consumer.wait_stopped()
    assert consumer.cancelled_ids == ["1"]


@pytest.mark.slow
async def test_messages_that_wait_for_a_handler_are_extended_and_then_released(channel, service) -> None:
    consumer = RunningConsumer(
        channel, max_outstanding=1, lease_s=10, handler_timeout_s=5, ignores_cancellation=True
    )
    stream = await service.next_stream()
    stream.deliver(1, "1", "2")
    await stream.expect_set_lease(10, "1#1", "2#1")
    await stream.expect_set_lease(0, "2#1")
    consumer.finish_handler()
    await stream.expect_acks("1#1")
    consumer.stop()
    await consumer.wait_stopped()
    assert len(consumer.started) == 1


async def test_stop_releases_messages_that_wait_for_a_handler(channel, service) -> None:
    consumer = RunningConsumer(channel, max_outstanding=1)
    stream = await service.next_stream()
    stream.deliver(1, "1", "2")
    await consumer.wait_until_started(1)
    consumer.stop()
    await stream.expect_set_lease(0, "2#1")
    consumer.finish_handler()
    await stream.expect_acks("1#1")
    await consumer.wait_stopped()
    assert len(consumer.started) == 1


async def test_messages_that_wait_for_a_handler_are_dropped_with_their_stream(channel, service) -> None:
    consumer = RunningConsumer(channel, max_outstanding=1)
    stream = await service.next_stream()
    stream.deliver(1, "1", "2")
    await consumer.wait_until_started(1)
    stream.end()
    stream = await service.next_stream()
    consumer.finish_handler()
    await stream.expect_acks("1#1")
    consumer.stop()
    await consumer.wait_stopped()
    assert len(consumer.started) == 1
    assert stream.requests.empty()


@pytest.mark.slow
async def test_requests_have_at_most_1000_ack_ids(channel, service) -> None:
    consumer = RunningConsumer(channel, max_outstanding=1000, lease_s=10, stop_grace_s=0)
    stream = await service.next_stream()
    stream.deliver(1, *map(str, range(1500)))
    assert [len((await stream.next()).set_lease.ack_ids) for _ in range(2)] == [1000, 500]
    consumer.stop()
    await consumer.wait_stopped()
