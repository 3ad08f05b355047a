"""Consumers of a shop: a stream at each replica, which acknowledges each message when it is processed."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import grpc.aio
import uvloop
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from benchmarks.workers.command_loop import run_commands

SUBSCRIPTION = "shop"
MAX_OUTSTANDING = 100
PROCESSING_S = 0.05
"""As long as a handler may take that reads the order and changes its database."""


async def main() -> None:
    """Run commands until stdin ends."""
    receive_times_s: defaultdict[str, list[float]] = defaultdict(list)
    channels: list[grpc.aio.Channel] = []
    streams: list[asyncio.Task[None]] = []

    async def start(addresses: Sequence[str]) -> None:
        """Create the subscription, and open a stream at each address."""
        channels.extend(map(grpc.aio.insecure_channel, addresses))
        stubs: list[Any] = [OrderSyncServiceStub(channel) for channel in channels]
        create = protos.PullMessagesRequest(
            subscription=SUBSCRIPTION, create_if_missing=protos.SubscriptionSpec(), wait=Duration(seconds=0)
        )
        await stubs[0].PullMessages(create, timeout=10)
        streams.extend(asyncio.create_task(consume(stub)) for stub in stubs)

    async def consume(stub: Any) -> None:
        call = stub.StreamMessages()
        open_request = protos.StreamMessagesRequest.Open(
            subscription=SUBSCRIPTION, max_outstanding=MAX_OUTSTANDING
        )
        await call.write(protos.StreamMessagesRequest(open=open_request))
        processed: asyncio.Queue[str] = asyncio.Queue()
        acknowledging = asyncio.create_task(acknowledge(call, processed))
        while (response := await call.read()) is not grpc.aio.EOF:
            now_s, loop = time.monotonic(), asyncio.get_running_loop()
            for received in response.delivered.received_messages:
                receive_times_s[received.message.message_id].append(now_s)
                loop.call_later(PROCESSING_S, processed.put_nowait, received.ack_id)
        acknowledging.cancel()

    async def acknowledge(call: Any, processed: "asyncio.Queue[str]") -> None:
        while True:
            ack = protos.StreamMessagesRequest.Ack(ack_ids=[await processed.get()])
            await call.write(protos.StreamMessagesRequest(ack=ack))

    async def take() -> dict[str, list[float]]:
        """Return the ids of the messages that were received since the last `take`, and when."""
        for stream in streams:
            if stream.done():
                stream.result()  # raises what ended it
        taken = dict(receive_times_s)
        receive_times_s.clear()
        return taken

    await run_commands({"start": start, "take": take})
    for task in streams:
        task.cancel()
    await asyncio.gather(*(channel.close() for channel in channels))


if __name__ == "__main__":
    uvloop.run(main())
