"""Two replicas on one PostgreSQL: they share a subscription, and one that drains leaves nothing behind."""

import asyncio
import signal
import time
from collections import Counter
from typing import Any

import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.calls import parse_failure
from tests.durability.consuming import FROM_THE_BEGINNING
from tests.durability.pushing import Platform
from tests.support.postgres import create_database

pytestmark = pytest.mark.durability

NAME = "shared"
LEASE_S = 600
"""Nothing comes again by itself within these tests."""
MESSAGES = 500
OUT = 50
AT_ONCE_S = 5
WITHIN_S = 60


@pytest.fixture
def pair(server, started):
    url = create_database(server)
    return [started(url), started(url)]


def opening(most: int) -> protos.StreamMessagesRequest:
    return protos.StreamMessagesRequest(
        open=protos.StreamMessagesRequest.Open(
            subscription=NAME,
            start_time=FROM_THE_BEGINNING,
            max_outstanding=most,
            lease=Duration(seconds=LEASE_S),
        )
    )


def pulling() -> protos.PullMessagesRequest:
    return protos.PullMessagesRequest(
        subscription=NAME,
        start_time=FROM_THE_BEGINNING,
        max_messages=10,
        lease=Duration(seconds=LEASE_S),
        wait=Duration(seconds=1),
    )


async def test_consumers_of_both_share_one_subscription(pair, report):
    handed: list[tuple[str, str]] = []
    """Consumer and message."""

    async def stream(name: str, stub: OrderSyncServiceStub) -> None:
        call: Any = stub.StreamMessages()  # type: ignore[call-arg] # the stub is typed for blocking channels
        await call.write(opening(20))
        async for response in call:
            message_id = response.message.message_id
            handed.append((name, message_id))
            ack = protos.StreamMessagesRequest.Ack(message_ids=[message_id])
            await call.write(protos.StreamMessagesRequest(ack=ack))

    async def pull(name: str, stub: OrderSyncServiceStub) -> None:
        while True:
            pulled = await stub.PullMessages(pulling(), timeout=WITHIN_S)
            ids = [message.message_id for message in pulled.messages]
            handed.extend((name, message_id) for message_id in ids)
            if ids:
                ack = protos.AckMessagesRequest(subscription=NAME, message_ids=ids)
                await stub.AckMessages(ack, timeout=WITHIN_S)

    async with (
        asyncio.timeout(WITHIN_S),
        grpc.aio.insecure_channel(pair[0].grpc) as first,
        grpc.aio.insecure_channel(pair[1].grpc) as second,
        Platform([each.callback for each in pair]) as platform,
    ):
        consuming = [
            asyncio.create_task(consume(f"{consume.__name__} {place}", OrderSyncServiceStub(channel)))
            for place, channel in enumerate((first, second), 1)
            for consume in (stream, pull)
        ]
        await asyncio.gather(*(platform.push_until_taken(number) for number in range(MESSAGES)))
        while len(handed) < MESSAGES:
            await asyncio.sleep(0.05)
        # One more is pushed and taken: by then whatever was out twice would have come twice.
        await platform.push_until_taken(MESSAGES)
        while len(handed) <= MESSAGES:
            await asyncio.sleep(0.05)
        for task in consuming:
            task.cancel()
        await asyncio.wait(consuming)

    assert sorted(int(message_id) for _, message_id in handed) == list(range(MESSAGES + 1))
    shares = Counter(name for name, _ in handed)
    report(f"{MESSAGES} messages, each handed out once: {dict(sorted(shares.items()))}")
    assert {name[-1] for name in shares} == {"1", "2"}


async def test_a_drained_replica_leaves_its_messages_to_the_other(pair, report):
    async with (
        asyncio.timeout(WITHIN_S),
        grpc.aio.insecure_channel(pair[0].grpc) as first,
        grpc.aio.insecure_channel(pair[1].grpc) as second,
        Platform([each.callback for each in pair]) as platform,
    ):
        call = OrderSyncServiceStub(first).StreamMessages()
        await call.write(opening(OUT))
        await asyncio.gather(*(platform.push_until_taken(number) for number in range(OUT)))
        out = {(await call.read()).message.message_id for _ in range(OUT)}
        other = OrderSyncServiceStub(second).StreamMessages()
        await other.write(opening(OUT))

        drained = time.monotonic()
        pair[0].running.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        ended_s = time.monotonic() - drained
        again = {(await other.read()).message.message_id for _ in range(OUT)}
        again_s = time.monotonic() - drained
        other.cancel()

    status, reason, delay_s = parse_failure(caught.value)
    assert (status, reason) == ("UNAVAILABLE", "DRAINING")
    assert delay_s is not None
    assert again == out
    report(
        f"after SIGTERM the stream ended in {ended_s:.2f} s; "
        f"all {OUT} messages out elsewhere in {again_s:.2f} s, under leases of {LEASE_S} s"
    )
    assert again_s < AT_ONCE_S
