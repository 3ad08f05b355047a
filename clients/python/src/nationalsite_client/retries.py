"""Calls with retries, where a retry can neither execute the call twice nor exceed the timeout."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol, TypeVar

import grpc
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE

from nationalsite_client.backoff import backoff_s
from nationalsite_client.errors import ErrorDetails, parse_error

_RequestT = TypeVar("_RequestT", bound=Message)
_RequestT_contra = TypeVar("_RequestT_contra", bound=Message, contravariant=True)
_ResponseT = TypeVar("_ResponseT")
_ResponseT_co = TypeVar("_ResponseT_co", covariant=True)

_READS = frozenset(
    method.input_type.full_name
    for service in (ACCOUNT_SERVICE, ORDER_SYNC_SERVICE, PRODUCT_SERVICE)
    for method in service.methods
    if method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
)
"""Requests of the RPCs without side effects: each RPC has a request of its own."""


class UnaryMethod(Protocol[_RequestT_contra, _ResponseT_co]):
    """A unary method of a stub, or a function with the same parameters."""

    def __call__(self, request: _RequestT_contra, /, *, timeout: float) -> _ResponseT_co:
        """Call it with a timeout in seconds."""


def call_with_retries(
    method: UnaryMethod[_RequestT, _ResponseT], request: _RequestT, *, timeout: float, max_attempts: int = 3
) -> _ResponseT:
    """Call a method of a stub; after an error that permits it, call it again with the same request.

    A call is retried if `ErrorDetails.may_repeat`. If the error is not from the service, the call may have
    been executed: then it is retried only if the RPC has no side effects, or if the request has a
    `request_id`. The pause is the delay of RetryInfo, or exponential backoff.

    `timeout` (seconds) is for all attempts together. Raises the last grpc.RpcError, at once if the pause
    would exceed the timeout.
    """
    attempts = _Attempts(request, timeout, max_attempts)
    while True:
        try:
            return method(request, timeout=attempts.remaining_s)
        except grpc.RpcError as error:
            pause_s = attempts.next_pause_s(error)
            if pause_s is None:
                raise
        time.sleep(pause_s)


async def call_with_retries_async(
    method: UnaryMethod[_RequestT, Awaitable[_ResponseT]],
    request: _RequestT,
    *,
    timeout: float,  # noqa: ASYNC109 # gRPC's deadline, which the service gets
    max_attempts: int = 3,
) -> _ResponseT:
    """Do the same with a stub on a channel of grpc.aio."""
    attempts = _Attempts(request, timeout, max_attempts)
    while True:
        try:
            return await method(request, timeout=attempts.remaining_s)
        except grpc.RpcError as error:
            pause_s = attempts.next_pause_s(error)
            if pause_s is None:
                raise
        await asyncio.sleep(pause_s)


class _Attempts:
    """The attempts of one call."""

    def __init__(self, request: Message, timeout_s: float, max_attempts: int) -> None:
        self._request = request
        self._max_attempts = max_attempts
        self._deadline = time.monotonic() + timeout_s
        self._failures = 0

    @property
    def remaining_s(self) -> float:
        return max(self._deadline - time.monotonic(), 0.0)

    def next_pause_s(self, error: grpc.RpcError) -> float | None:
        """Return the pause before the next attempt, or None if there is none."""
        self._failures += 1
        details = parse_error(error)
        if self._failures >= self._max_attempts or not _is_retry_safe(details, self._request):
            return None
        pause_s = backoff_s(self._failures, min_s=details.retry_delay_s or 0.0)
        return pause_s if pause_s < self.remaining_s else None


def _is_retry_safe(details: ErrorDetails, request: Message) -> bool:
    if not details.may_repeat:
        return False
    if details.reason_name:  # the service has answered, and its reason permits a retry
        return True
    return request.DESCRIPTOR.full_name in _READS or bool(getattr(request, "request_id", ""))
