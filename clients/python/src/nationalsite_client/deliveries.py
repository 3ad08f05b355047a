"""Waiting for the end of a delivery."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos

from nationalsite_client.errors import parse_error
from nationalsite_client.retries import call_with_retries, call_with_retries_async

if TYPE_CHECKING:
    from nationalsite.ordersync.v1 import OrderSyncServiceAsyncStub, OrderSyncServiceStub

_MAX_WAIT_S = 20.0
"""The longest `wait` of GetDelivery."""
_MIN_WAIT_S = 0.5
"""The service returns a little before the deadline of a call: it does not wait in a call that is shorter."""


def wait_for_delivery(orders: "OrderSyncServiceStub", delivery_id: str, *, timeout: float) -> protos.Delivery:
    """Return a delivery when it is finished: delivered, dead or cancelled.

    Retries temporary errors. Raises TimeoutError if the delivery is not finished within `timeout` s, and
    grpc.RpcError if no retry can help, for example DELIVERY_NOT_FOUND.
    """
    wait = _Wait(delivery_id, timeout)
    while True:
        with wait.timeout_errors():
            request, timeout_s = wait.next_request(), wait.remaining_s
            response = call_with_retries(
                orders.GetDelivery, request, timeout=timeout_s, max_attempts=sys.maxsize
            )
        if wait.is_finished(response.delivery):
            return response.delivery


async def wait_for_delivery_async(
    orders: "OrderSyncServiceAsyncStub",
    delivery_id: str,
    *,
    timeout: float,  # noqa: ASYNC109 # gRPC's deadline, which the service gets
) -> protos.Delivery:
    """Do the same with a stub on a channel of grpc.aio."""
    wait = _Wait(delivery_id, timeout)
    while True:
        with wait.timeout_errors():
            request, timeout_s = wait.next_request(), wait.remaining_s
            response = await call_with_retries_async(
                orders.GetDelivery, request, timeout=timeout_s, max_attempts=sys.maxsize
            )
        if wait.is_finished(response.delivery):
            return response.delivery


class _Wait:
    """The calls of GetDelivery until a delivery is finished."""

    def __init__(self, delivery_id: str, timeout_s: float) -> None:
        self._delivery_id = delivery_id
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s

    @property
    def remaining_s(self) -> float:
        return max(self._deadline - time.monotonic(), 0.0)

    def next_request(self) -> protos.GetDeliveryRequest:
        wait = Duration()
        wait.FromMilliseconds(round(min(self.remaining_s, _MAX_WAIT_S) * 1000))
        return protos.GetDeliveryRequest(delivery_id=self._delivery_id, wait=wait)

    def is_finished(self, delivery: protos.Delivery) -> bool:
        """Return whether the delivery is finished. Raises TimeoutError if there is no time to wait for it."""
        if delivery.HasField("finish_time"):
            return True
        if self.remaining_s < _MIN_WAIT_S:
            raise self._timeout_error()
        return False

    @contextmanager
    def timeout_errors(self) -> Iterator[None]:
        """Turn the error of a call that has run out of time into a TimeoutError."""
        try:
            yield
        except grpc.RpcError as error:
            details = parse_error(error)
            if details.may_repeat or details.code is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise self._timeout_error() from error
            raise

    def _timeout_error(self) -> TimeoutError:
        return TimeoutError(f"delivery {self._delivery_id} is not finished after {self._timeout_s:g} s")
