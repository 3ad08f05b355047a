"""Calls to a replica, and the parts of an error."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import grpc.aio
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.consuming import CHANNEL
from tests.support.status_details import parse_status_details

CALL_S = 20


@contextmanager
def stub_of(address: str) -> Iterator[OrderSyncServiceStub]:
    """Yield a stub of a replica; its channel is closed at the end."""
    with grpc.insecure_channel(address, options=CHANNEL) as channel:
        yield OrderSyncServiceStub(channel)


def parse_failure(error: grpc.RpcError) -> tuple[str, str, float | None]:
    """Return status, reason and the delay of RetryInfo (None if it has none) of a failed call."""
    details = parse_status_details(error)
    reason = details["ErrorInfo"].reason.removeprefix("ERROR_REASON_")
    retry = details.get("RetryInfo")
    delay_s = None if retry is None else retry.retry_delay.ToTimedelta().total_seconds()
    return error.code().name, reason, delay_s


def expect_failure(call, request, **options) -> tuple[str, str, float | None]:
    """Make a call that must fail; return its error."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=CALL_S, **options)
    return parse_failure(caught.value)


def drained(
    stub: OrderSyncServiceStub, subscription: str, count: int, within_s: float
) -> list[protos.Message]:
    """Pull and acknowledge messages until so many have come; fewer, when the time is over, are all."""
    taken: list[protos.Message] = []
    deadline = time.monotonic() + within_s
    while len(taken) < count and time.monotonic() < deadline:
        request = protos.PullMessagesRequest(subscription=subscription, max_messages=500)
        request.start_time.seconds, request.wait.seconds = 1, 2
        messages = stub.PullMessages(request, timeout=CALL_S).messages
        taken += messages
        if messages:
            ids = [message.message_id for message in messages]
            stub.AckMessages(
                protos.AckMessagesRequest(subscription=subscription, message_ids=ids), timeout=CALL_S
            )
    return taken
