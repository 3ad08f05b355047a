"""Consumes messages of a stream, and acknowledges them one by one. The argument is a service's address."""

import asyncio
import sys
import time
from typing import Any

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from benchmarks.workers.command_loop import run_commands

TIMEOUT_S = 100


async def main(address: str) -> None:
    """Run commands until stdin ends."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = OrderSyncServiceStub(channel)  # its types are those of synchronous calls

        async def create(subscription: str) -> None:
            await stub.PullMessages(
                protos.PullMessagesRequest(
                    subscription=subscription,
                    create_if_missing=protos.SubscriptionSpec(),
                    wait=Duration(seconds=0),
                ),
                timeout=10,
            )

        async def consume(subscription: str, messages: int, max_outstanding: int) -> float:
            """Return the seconds from the start of the stream until everything is acknowledged."""
            started = time.perf_counter()
            call = stub.StreamMessages(timeout=TIMEOUT_S)
            open_request = protos.StreamMessagesRequest.Open(
                subscription=subscription, max_outstanding=max_outstanding, lease=Duration(seconds=600)
            )
            await call.write(protos.StreamMessagesRequest(open=open_request))
            while messages:
                response = await call.read()
                for received in response.delivered.received_messages:
                    messages -= 1
                    ack = protos.StreamMessagesRequest.Ack(ack_ids=[received.ack_id])
                    await call.write(protos.StreamMessagesRequest(ack=ack))
            await call.done_writing()
            while await call.read() is not grpc.aio.EOF:
                pass
            return time.perf_counter() - started

        await run_commands({"create": create, "consume": consume})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
