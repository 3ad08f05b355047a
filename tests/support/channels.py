"""Channels to OrderSyncService that reconnect fast, for replicas that restart."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from nationalsite.ordersync.v1 import OrderSyncServiceStub

FAST_RECONNECT = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))
"""Options of a channel."""


@contextmanager
def open_stub(address: str) -> Iterator[OrderSyncServiceStub]:
    """Yield a stub of a replica; close its channel at the end."""
    with grpc.insecure_channel(address, options=FAST_RECONNECT) as channel:
        yield OrderSyncServiceStub(channel)
