"""Consumers of a subscription that acknowledge, extend, release and end at random, and record it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.history.events import (
    Acknowledged,
    ConsumerEnded,
    DeliveryLost,
    LeaseSet,
    MessageDelivered,
    Outcome,
)
from tests.durability.history.recorder import Recorder, now_ms
from tests.support.channels import FAST_RECONNECT
from tests.support.consumers import FROM_START
from tests.support.status_details import is_outage

CALL_TIMEOUT_S = 15
RETRY_DELAY_S = 0.2
STREAM_END_TIMEOUT_S = 15
MAX_OUTSTANDING = 20
SHORT_LEASE_S = 10
"""The shortest possible lease. A consumer lets some of these end."""
LOST_BEFORE_MS, LOST_AFTER_MS = 5_000, 5_000
"""Around the end of a stream or a failed pull: messages may have been leased that did not arrive."""
UNNOTICED_END_MS = 250
"""How long before its consumer ends a stream the service may have ended it, and the consumer not know it."""
CLOCK_ERROR_MS = 20
"""By which the time of a replica may differ from its offset."""
STREAM_ENDS = ("half_close", "cancel", "half_close_and_cancel", "disconnect")


class Consumer:
    """One of the consumers of a subscription. It uses one replica at a time."""

    def __init__(
        self,
        name: str,
        subscription: str,
        addresses: Sequence[str],
        stubs: Sequence[OrderSyncServiceStub],
        recorder: Recorder,
        rng: random.Random,
        *,
        lease_s: int,
        clock_offsets_ms: Sequence[float],
        always_release: frozenset[str],
    ) -> None:
        """`stubs`: of the same replicas, for unary calls. A stream has a channel of its own.

        `clock_offsets_ms`: those that the clocks of replicas may have.

        `always_release`: ids of messages that no consumer acknowledges.
        """
        self._name = name
        self._subscription = subscription
        self._addresses = addresses
        self._stubs = stubs
        self._recorder = recorder
        self._rng = rng
        self._lease_s = lease_s
        self._clock_offsets_ms = clock_offsets_ms
        self._always_release = always_release
        self._working: set[asyncio.Task[None]] = set()
        self.unexpected_errors: list[str] = []
        self.is_ending = False
        """Whether to consume without random ends, so that the backlog becomes empty."""

    async def pull(self) -> None:
        """Consume by pulls until cancelled."""
        await self._run(self._pull)

    async def stream(self) -> None:
        """Consume by streams until cancelled."""
        await self._run(self._stream)

    async def _run(self, consume: Callable[[], Awaitable[None]]) -> None:
        try:
            while True:
                try:
                    await consume()
                except grpc.aio.AioRpcError as error:
                    self._check(error)
                    await asyncio.sleep(RETRY_DELAY_S)
        finally:
            for task in self._working:
                task.cancel()

    def _check(self, error: grpc.aio.AioRpcError) -> None:
        if not is_outage(error):
            self.unexpected_errors.append(f"{self._name}: {error.code().name} {error.details()}")

    # Pulls

    async def _pull(self) -> None:
        call: Any = self._rng.choice(self._stubs).PullMessages(
            protos.PullMessagesRequest(
                subscription=self._subscription,
                create_if_missing=FROM_START,
                max_messages=self._rng.randint(1, 20),
                lease=Duration(seconds=self._lease_s),
                wait=Duration(seconds=1),
            ),
            timeout=CALL_TIMEOUT_S,
            wait_for_ready=True,
        )
        started_ms = now_ms()
        if not self.is_ending and self._rng.random() < 0.1:
            await asyncio.sleep(self._rng.choice([0, self._rng.uniform(0, 0.03)]))
            call.cancel()
        try:
            response = await call
        except asyncio.CancelledError:
            self._record_lost(started_ms, now_ms())
            _raise_if_cancelled()
            return
        except grpc.aio.AioRpcError:
            self._record_lost(started_ms, now_ms())
            raise
        received = [self._record(each, started_ms) for each in response.received_messages]
        await asyncio.gather(*(self._work(delivered) for delivered in received))

    async def _work(self, delivered: MessageDelivered) -> None:
        """Work on a message, and end its lease by unary calls."""
        choice = self._rng.random()
        if delivered.message in self._always_release:
            await self._set_lease(delivered, 0)
            return
        if choice < 0.1:
            await asyncio.sleep(self._rng.uniform(0.05, 0.4))
        elif choice < 0.15:
            await self._set_lease(delivered, 0)
            if self._rng.random() < 0.5:
                await self._ack(delivered)  # it counts if no other consumer has the message
            return
        elif choice < 0.2:
            await self._set_lease(delivered, self._lease_s + 10)
        elif choice < 0.22 and self._lease_s == SHORT_LEASE_S and not self.is_ending:
            await asyncio.sleep(SHORT_LEASE_S + self._rng.uniform(-0.1, 0.5))
        await self._ack(delivered)
        if choice > 0.97:
            await self._ack(delivered)  # once more: it is ignored

    async def _ack(self, delivered: MessageDelivered) -> None:
        """Acknowledge a message, until there is a response."""
        request = protos.AckMessagesRequest(subscription=self._subscription, ack_ids=[delivered.ack_id])
        outcome: Outcome = "unknown"
        while outcome == "unknown":
            start_ms = now_ms()
            outcome = await self._try("AckMessages", request)
            end_ms = None if outcome == "unknown" else now_ms()
            self._recorder.add(
                Acknowledged(ack_id=delivered.ack_id, start_ms=start_ms, end_ms=end_ms, outcome=outcome)
            )

    async def _set_lease(self, delivered: MessageDelivered, lease_s: int) -> None:
        """Change a lease, until there is a response."""
        request = protos.SetMessageLeaseRequest(
            subscription=self._subscription, ack_ids=[delivered.ack_id], lease=Duration(seconds=lease_s)
        )
        outcome: Outcome = "unknown"
        while outcome == "unknown":
            start_ms = now_ms()
            outcome = await self._try("SetMessageLease", request)
            self._recorder.add(
                LeaseSet(
                    ack_id=delivered.ack_id,
                    lease_ms=lease_s * 1000,
                    start_ms=start_ms,
                    end_ms=None if outcome == "unknown" else now_ms(),
                    outcome=outcome,
                )
            )

    async def _try(self, rpc: str, request: Any) -> Outcome:
        """Call a random replica once."""
        try:
            response = await getattr(self._rng.choice(self._stubs), rpc)(
                request, timeout=CALL_TIMEOUT_S, wait_for_ready=True
            )
        except grpc.aio.AioRpcError as error:
            self._check(error)
            await asyncio.sleep(RETRY_DELAY_S)
            return "unknown"
        return "lapsed" if response.lapsed_ack_ids else "ok"

    # Streams

    async def _stream(self) -> None:
        async with grpc.aio.insecure_channel(
            self._rng.choice(self._addresses), options=FAST_RECONNECT
        ) as channel:
            stream = _Stream(OrderSyncServiceStub(channel), self._subscription, self._lease_s)
            ending = asyncio.create_task(self._end_stream(stream, channel))
            try:
                await self._read(stream)
            finally:
                ending.cancel()
                stream.sending.cancel()
                # If the service ended the stream, it may have released the messages somewhat earlier.
                if stream.ended_ms is None:
                    stream.ended_ms = now_ms() - LOST_BEFORE_MS
                elif not stream.was_completed:
                    stream.ended_ms -= UNNOTICED_END_MS
                self._record_end(stream)
        for delivered in list(stream.outstanding.values()):
            if self._rng.random() < 0.2:
                await self._ack(delivered)  # late: it counts unless another consumer has the message

    async def _read(self, stream: "_Stream") -> None:
        try:
            async for received in stream.read():
                delivered = self._record(received, stream.opened_ms)
                stream.outstanding[delivered.ack_id] = delivered
                task = asyncio.create_task(self._work_on_stream(stream, delivered))
                self._working.add(task)
                task.add_done_callback(self._working.discard)
            stream.was_completed = True
        except grpc.aio.AioRpcError as error:
            if stream.ended_ms is None:
                self._check(error)
                await asyncio.sleep(RETRY_DELAY_S)
        except asyncio.CancelledError:
            _raise_if_cancelled()

    async def _end_stream(self, stream: "_Stream", channel: grpc.aio.Channel) -> None:
        if self.is_ending:
            return
        end = self._rng.choice(STREAM_ENDS)
        await asyncio.sleep(self._rng.choice([self._rng.uniform(0, 0.2), self._rng.uniform(0, 2)]))
        stream.ended_ms = now_ms()
        if end.startswith("half_close"):
            stream.half_close()
            if end == "half_close":
                await asyncio.sleep(STREAM_END_TIMEOUT_S)
            else:
                await asyncio.sleep(self._rng.choice([0, self._rng.uniform(0, 0.02)]))
        if end == "disconnect":
            await channel.close()
        else:
            stream.call.cancel()

    async def _work_on_stream(self, stream: "_Stream", delivered: MessageDelivered) -> None:
        if delivered.message in self._always_release:
            stream.set_lease(delivered.ack_id, 0)
            return
        choice = self._rng.random()
        if choice < 0.1:
            await asyncio.sleep(self._rng.uniform(0.05, 0.4))
        elif choice < 0.15:
            stream.set_lease(delivered.ack_id, 0)
            return
        elif choice < 0.2:
            stream.set_lease(delivered.ack_id, self._lease_s + 10)
        stream.ack(delivered.ack_id)

    def _record_end(self, stream: "_Stream") -> None:
        """Record what the consumer did on a stream: the service does not confirm it before its end."""
        for ack_id, lease_s, start_ms in stream.actions:
            if ack_id in stream.lapsed:
                outcome: Outcome = "lapsed"
            else:
                outcome = "ok" if stream.was_completed else "unknown"
            times = {"start_ms": start_ms, "end_ms": None if outcome == "unknown" else now_ms()}
            if lease_s is None:
                self._recorder.add(Acknowledged(ack_id=ack_id, outcome=outcome, **times))
            else:
                self._recorder.add(LeaseSet(ack_id=ack_id, lease_ms=lease_s * 1000, outcome=outcome, **times))
        # What the consumer did last may have come after the service had ended the stream.
        unknown = [] if stream.was_completed else [ack_id for ack_id, _, _ in stream.actions]
        self._recorder.add(
            ConsumerEnded(
                consumer=self._name,
                ack_ids=[*stream.outstanding, *unknown],
                start_ms=stream.ended_ms or now_ms(),
            )
        )
        self._record_lost(stream.ended_ms or now_ms(), now_ms())

    # Events

    def _record_lost(self, start_ms: float, end_ms: float) -> None:
        self._recorder.add(
            DeliveryLost(
                subscription=self._subscription,
                consumer=self._name,
                start_ms=start_ms - LOST_BEFORE_MS,
                end_ms=end_ms + LOST_AFTER_MS,
            )
        )

    def _record(self, received: protos.ReceivedMessage, requested_ms: float) -> MessageDelivered:
        received_ms = now_ms()
        stated_ms = received.lease_expire_time.ToMicroseconds() / 1000 - self._lease_s * 1000
        # The service states times by its own clock, which may have any of these offsets.
        candidates_ms = (stated_ms - offset_ms for offset_ms in self._clock_offsets_ms)
        possible_ms = [
            each - CLOCK_ERROR_MS
            for each in candidates_ms
            if requested_ms <= each <= received_ms + CLOCK_ERROR_MS
        ]
        delivered = MessageDelivered(
            subscription=self._subscription,
            message=received.message.message_id,
            ack_id=received.ack_id,
            consumer=self._name,
            leased_ms=max([requested_ms, *possible_ms]),
            received_ms=received_ms,
            lease_ms=self._lease_s * 1000,
        )
        self._recorder.add(delivered)
        return delivered


def _raise_if_cancelled() -> None:
    """Raise CancelledError if this task was cancelled, not only the call that it awaits."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _Stream:
    """A stream, and what was requested on it."""

    def __init__(self, stub: OrderSyncServiceStub, subscription: str, lease_s: int) -> None:
        self._requests: asyncio.Queue[protos.StreamMessagesRequest | None] = asyncio.Queue()
        self.opened_ms = now_ms()
        self.ended_ms: float | None = None
        """When its consumer ended it."""
        self.was_completed = False
        """Whether the service executed all requests, and ended the stream with OK."""
        self.outstanding: dict[str, MessageDelivered] = {}
        self.lapsed: set[str] = set()
        self.actions: list[tuple[str, int | None, float]] = []
        """Ack id, new lease in seconds or None for an acknowledgement, and time, of each request."""
        self._requests.put_nowait(
            protos.StreamMessagesRequest(
                open=protos.StreamMessagesRequest.Open(
                    subscription=subscription,
                    create_if_missing=FROM_START,
                    max_outstanding=MAX_OUTSTANDING,
                    lease=Duration(seconds=lease_s),
                )
            )
        )
        self.call: Any = stub.StreamMessages()  # type: ignore[call-arg] # the stub is typed for blocking channels
        self.sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        # An error of the stream also ends the reading, which handles it.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while (request := await self._requests.get()) is not None:
                await self.call.write(request)
            await self.call.done_writing()

    async def read(self) -> AsyncIterator[protos.ReceivedMessage]:
        """Return the messages until the service ends the stream."""
        async for response in self.call:
            self.lapsed.update(response.lapsed.ack_ids)
            for received in response.delivered.received_messages:
                yield received

    def ack(self, ack_id: str) -> None:
        """Acknowledge a message, unless the consumer has ended the stream."""
        request = protos.StreamMessagesRequest(ack=protos.StreamMessagesRequest.Ack(ack_ids=[ack_id]))
        self._request(ack_id, None, request)

    def set_lease(self, ack_id: str, lease_s: int) -> None:
        """Change a lease, unless the consumer has ended the stream."""
        set_lease = protos.StreamMessagesRequest.SetLease(ack_ids=[ack_id], lease=Duration(seconds=lease_s))
        self._request(ack_id, lease_s, protos.StreamMessagesRequest(set_lease=set_lease))

    def half_close(self) -> None:
        """Send no more requests."""
        self._requests.put_nowait(None)

    def _request(self, ack_id: str, lease_s: int | None, request: protos.StreamMessagesRequest) -> None:
        if self.ended_ms is not None:
            return
        self.actions.append((ack_id, lease_s, now_ms()))
        self._requests.put_nowait(request)
        if not lease_s:
            self.outstanding.pop(ack_id, None)
