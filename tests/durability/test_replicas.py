"""Two replicas on one PostgreSQL share a subscription, and take over messages from one that drains."""

import asyncio
import time
from collections import Counter
from typing import Any

import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.support.consumers import FROM_START
from tests.support.postgres import create_database
from tests.support.push_client import PushClient
from tests.support.replica import Replica
from tests.support.status_details import summarize_error

pytestmark = pytest.mark.durability

SUBSCRIPTION = "shared"
LEASE_S = 600
"""Longer than a test, so that no message is redelivered because its lease ends."""
MESSAGES = 500
OUTSTANDING = 50
TAKEOVER_TIMEOUT_S = 5
TIMEOUT_S = 60


@pytest.fixture
def replicas(postgres, start_replica) -> list[Replica]:
    """Two replicas on one database."""
    database_url = create_database(postgres)
    return [start_replica(database_url), start_replica(database_url)]


def build_open_request(max_outstanding: int) -> protos.StreamMessagesRequest:
    return protos.StreamMessagesRequest(
        open=protos.StreamMessagesRequest.Open(
            subscription=SUBSCRIPTION,
            create_if_missing=FROM_START,
            max_outstanding=max_outstanding,
            lease=Duration(seconds=LEASE_S),
        )
    )


def build_pull_request() -> protos.PullMessagesRequest:
    return protos.PullMessagesRequest(
        subscription=SUBSCRIPTION,
        create_if_missing=FROM_START,
        max_messages=10,
        lease=Duration(seconds=LEASE_S),
        wait=Duration(seconds=1),
    )


async def read_ids(call: Any, count: int) -> set[str]:
    """Read responses until `count` messages have arrived. Return their ids."""
    ids: list[str] = []
    while len(ids) < count:
        response = await call.read()
        ids += [received.message.message_id for received in response.delivered.received_messages]
    return set(ids)


async def test_consumers_of_two_replicas_share_one_subscription(replicas, report):
    deliveries: list[tuple[str, str]] = []
    """Name of the consumer and id of the message."""

    async def stream(name: str, stub: OrderSyncServiceStub) -> None:
        call: Any = stub.StreamMessages()  # type: ignore[call-arg] # the stub is typed for blocking channels
        await call.write(build_open_request(20))
        async for response in call:
            received = response.delivered.received_messages
            deliveries.extend((name, each.message.message_id) for each in received)
            ack = protos.StreamMessagesRequest.Ack(ack_ids=[each.ack_id for each in received])
            await call.write(protos.StreamMessagesRequest(ack=ack))

    async def pull(name: str, stub: OrderSyncServiceStub) -> None:
        while True:
            response = await stub.PullMessages(build_pull_request(), timeout=TIMEOUT_S)
            received = response.received_messages
            deliveries.extend((name, each.message.message_id) for each in received)
            if received:
                ack_ids = [each.ack_id for each in received]
                ack = protos.AckMessagesRequest(subscription=SUBSCRIPTION, ack_ids=ack_ids)
                await stub.AckMessages(ack, timeout=TIMEOUT_S)

    async with (
        asyncio.timeout(TIMEOUT_S),
        grpc.aio.insecure_channel(replicas[0].grpc) as first,
        grpc.aio.insecure_channel(replicas[1].grpc) as second,
        PushClient([replica.callback for replica in replicas]) as push_client,
    ):
        consumers = [
            asyncio.create_task(consume(f"{consume.__name__} {number}", OrderSyncServiceStub(channel)))
            for number, channel in enumerate((first, second), 1)
            for consume in (stream, pull)
        ]
        await asyncio.gather(*(push_client.push_until_accepted(number) for number in range(MESSAGES)))
        while len(deliveries) < MESSAGES:
            await asyncio.sleep(0.05)
        # After one more message, any duplicate delivery would have arrived.
        await push_client.push_until_accepted(MESSAGES)
        while len(deliveries) <= MESSAGES:
            await asyncio.sleep(0.05)
        for task in consumers:
            task.cancel()
        await asyncio.wait(consumers)

    assert sorted(int(message_id) for _, message_id in deliveries) == list(range(MESSAGES + 1))
    shares = Counter(name for name, _ in deliveries)
    report(f"{MESSAGES} messages, each delivered once: {dict(sorted(shares.items()))}")
    assert {name[-1] for name in shares} == {"1", "2"}


async def test_messages_of_a_drained_replica_are_redelivered_by_the_other(replicas, report):
    async with (
        asyncio.timeout(TIMEOUT_S),
        grpc.aio.insecure_channel(replicas[0].grpc) as first,
        grpc.aio.insecure_channel(replicas[1].grpc) as second,
        PushClient([replica.callback for replica in replicas]) as push_client,
    ):
        call = OrderSyncServiceStub(first).StreamMessages()
        await call.write(build_open_request(OUTSTANDING))
        await asyncio.gather(*(push_client.push_until_accepted(number) for number in range(OUTSTANDING)))
        outstanding = await read_ids(call, OUTSTANDING)
        other = OrderSyncServiceStub(second).StreamMessages()
        await other.write(build_open_request(OUTSTANDING))

        terminated = time.monotonic()
        replicas[0].terminate()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        ended_s = time.monotonic() - terminated
        redelivered = await read_ids(other, OUTSTANDING)
        redelivered_s = time.monotonic() - terminated
        other.cancel()
        # A second SIGTERM, from the fixture, would kill a process that is about to exit.
        assert await asyncio.to_thread(replicas[0].wait_for_exit) == 0

    status, reason, delay_s = summarize_error(caught.value)
    assert (status, reason) == ("UNAVAILABLE", "DRAINING")
    assert delay_s is not None
    assert redelivered == outstanding
    report(
        f"after SIGTERM the stream ended in {ended_s:.2f} s; "
        f"the other replica redelivered all {OUTSTANDING} messages in {redelivered_s:.2f} s, "
        f"although its leases last {LEASE_S} s"
    )
    assert redelivered_s < TAKEOVER_TIMEOUT_S
