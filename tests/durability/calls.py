"""Calls that must fail, and pulls of all messages."""

import time

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.support.consumers import FROM_START, ack, pull
from tests.support.status_details import ErrorSummary, summarize_error

CALL_TIMEOUT_S = 20


def expect_failure(call, request, **options) -> ErrorSummary:
    """Make a call that must fail; return its error."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=CALL_TIMEOUT_S, **options)
    return summarize_error(caught.value)


def pull_all(
    stub: OrderSyncServiceStub, subscription: str, count: int, timeout_s: float
) -> list[protos.ReceivedMessage]:
    """Pull and acknowledge messages until `count` have arrived or the time is over; return them."""
    pulled: list[protos.ReceivedMessage] = []
    deadline = time.monotonic() + timeout_s
    while len(pulled) < count and time.monotonic() < deadline:
        received = pull(
            stub,
            subscription,
            wait_s=2,
            max_messages=500,
            create_if_missing=FROM_START,
        )
        pulled += received
        if received:
            ack(stub, subscription, *received)
    return pulled
