"""A gRPC server whose StreamMessages does what a scenario says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE

from tests.compatibility.newer_responses import ONEOF_MEMBERS, build_response

TOPIC = "ORDER_BUYER_VIEW_ORDER_PAY"
MAX_IDS_PER_REQUEST = 1000
PERMANENT = frozenset({"FAILED_PRECONDITION", "NOT_FOUND", "UNIMPLEMENTED"})
"""Codes with which the service ends every stream."""
REFUSED_CONNECTIONS = 3
"""A channel may connect again before its broken stream reports the error. Later it waits between attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that a consumer has sent, or that a driver has printed."""

    kind: str
    """The step that waits for it, or what else happened."""
    value: Any = None
    time_s: float = field(default_factory=lambda: asyncio.get_running_loop().time())


class _Stream:
    """The server's side of a stream: the responses to send. A status ends it."""

    def __init__(self) -> None:
        self.responses: asyncio.Queue[protos.StreamMessagesResponse | status_pb2.Status] = asyncio.Queue()
        self.is_ended = False
        """Whether a scenario has ended it. A consumer that does not know this yet may still send requests."""


class ScriptedServer:
    """The server of one scenario."""

    def __init__(self, *, lease_ms: int, ends_streams: bool) -> None:
        self.requests: asyncio.Queue[Happening] = asyncio.Queue()
        """What the consumer has sent, in order."""
        self._lease_ms = lease_ms
        self._ends_streams = ends_streams
        self._streams: list[_Stream] = []
        self._permanent: status_pb2.Status | None = None
        """The end of all further streams. If a request is written just when a stream ends, grpc.aio reports
        INTERNAL in place of the status, and a consumer opens another stream."""
        self._address = "127.0.0.1:0"
        self._servers: list[grpc.aio.Server] = []
        """The last one has not been drained."""
        self._draining: list[asyncio.Task[Any]] = []
        self._is_stopping = False
        self._refusing: asyncio.Server | None = None
        self._refused = 0

    async def start(self) -> str:
        """Start, and return the address, which stays the same."""
        if self._refusing:
            self._refusing.close()
        server = grpc.aio.server()
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream_messages,
            protos.StreamMessagesRequest.FromString,
            protos.StreamMessagesResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(ORDER_SYNC_SERVICE.full_name, {"StreamMessages": handler})]
        )
        self._address = f"127.0.0.1:{server.add_insecure_port(self._address)}"
        await server.start()
        self._servers.append(server)
        return self._address

    async def stop(self) -> None:
        """End all streams and connections."""
        if self._refusing:
            self._refusing.close()
        self._is_stopping = True
        await asyncio.gather(*(server.stop(grace=None) for server in self._servers), *self._draining)
        self._is_stopping = False

    async def shut_down(self) -> None:
        """End all streams and connections, and refuse further ones: close them at once."""
        await self.stop()
        host, _, port = self._address.partition(":")
        self._refusing = await asyncio.start_server(self._refuse, host, int(port))

    async def drain(self) -> None:
        """Send GOAWAY, let streams go on, and listen at the same address with another server."""
        self._draining.append(asyncio.create_task(self._servers[-1].stop(grace=60)))
        await self.start()

    def deliver(self, ack_ids: list[str]) -> None:
        """Deliver messages in one response. An ack id is "<message id>#<attempt>"."""
        delivered = protos.StreamMessagesResponse.Delivered()
        for ack_id in ack_ids:
            message_id, _, attempt = ack_id.partition("#")
            received = delivered.received_messages.add(ack_id=ack_id, delivery_attempt=int(attempt))
            received.message.message_id = message_id
            received.message.topic = TOPIC
            received.lease_expire_time.GetCurrentTime()
            received.lease_expire_time.seconds += self._lease_ms // 1000
        self._respond(protos.StreamMessagesResponse(delivered=delivered))

    def lapse(self, ack_ids: list[str]) -> None:
        """Report that leases have ended."""
        self._respond(protos.StreamMessagesResponse(lapsed={"ack_ids": ack_ids}))

    def send_unknown(self) -> None:
        """Send a response of a kind that only a later release has."""
        newer = build_response(protos.StreamMessagesResponse.DESCRIPTOR.full_name, ONEOF_MEMBERS)
        self._respond(protos.StreamMessagesResponse.FromString(newer.SerializeToString()))

    def end(self, *, code: str = "OK", reason: str = "", retry_delay_ms: int | None = None) -> None:
        """End the stream with a status."""
        status = status_pb2.Status(code=grpc.StatusCode[code].value[0], message="simulated")
        if reason:
            status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="nationalsite"))
        if retry_delay_ms is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromMilliseconds(retry_delay_ms)
            status.details.add().Pack(retry)
        self._streams[-1].is_ended = True
        if code in PERMANENT:
            self._permanent = status
        self._respond(status)

    async def _refuse(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._refused += 1
        if self._refused == REFUSED_CONNECTIONS:
            self._add("refused")

    def _respond(self, response: protos.StreamMessagesResponse | status_pb2.Status) -> None:
        self._streams[-1].responses.put_nowait(response)

    async def _stream_messages(
        self,
        requests: AsyncIterator[protos.StreamMessagesRequest],
        context: grpc.aio.ServicerContext,
    ) -> AsyncIterator[protos.StreamMessagesResponse]:
        stream = _Stream()
        self._streams.append(stream)
        if self._permanent:
            stream.is_ended = True
            self._respond(self._permanent)
        reader = asyncio.create_task(self._read(requests, stream))
        try:
            while not isinstance(response := await stream.responses.get(), status_pb2.Status):
                yield response
            if response.code:
                code = next(code for code in grpc.StatusCode if code.value[0] == response.code)
                trailers = (("grpc-status-details-bin", response.SerializeToString()),)
                await context.abort(code, response.message, trailers)
        except asyncio.CancelledError:
            if self._ends_streams and not self._is_stopping:
                self._add("reset")  # the consumer did not wait for the end of the stream
            raise
        finally:
            reader.cancel()

    async def _read(self, requests: AsyncIterator[protos.StreamMessagesRequest], stream: _Stream) -> None:
        async for request in requests:
            if not stream.is_ended:
                self._add_request(request)
        if not (stream.is_ended or self._is_stopping):
            self._add("closed")
        if self._ends_streams:
            stream.responses.put_nowait(status_pb2.Status())

    def _add_request(self, request: protos.StreamMessagesRequest) -> None:
        match request.WhichOneof("request"):
            case "open":
                self._add("opened", request.open)
            case "ack":
                self._add_ids("acked", request.ack.ack_ids)
            case "set_lease":
                lease_ms = request.set_lease.lease.ToMilliseconds()
                kinds = {0: "released", self._lease_ms: "extended"}
                self._add_ids(kinds.get(lease_ms, f"lease of {lease_ms} ms"), request.set_lease.ack_ids)

    def _add_ids(self, kind: str, ack_ids: Any) -> None:
        if not 1 <= len(ack_ids) <= MAX_IDS_PER_REQUEST:
            kind = f"{kind} with {len(ack_ids)} ack ids"
        self._add(kind, list(ack_ids))

    def _add(self, kind: str, value: Any = None) -> None:
        self.requests.put_nowait(Happening(kind=kind, value=value))
