"""Large requests that arrive at the same time at a running service: their memory is bounded."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import RpcClient, StartDedicated
from tests.support.child_processes import read_peak_bytes

pytestmark = pytest.mark.slow

MIB = 2**20
SERVICE_MIB = {"product": 640, "order_sync": 512}
"""Of the pod's memory limit: product without its image processes, and half of order sync."""
CALLS = 300
TIMEOUT_S = 15


def build_image_search(client: RpcClient) -> Any:
    request = client.request("SearchByImage", {})
    request.image = b"\xff\xd8\xff" + bytes(5 * MIB - 3)
    return request


def build_oversized_search(client: RpcClient) -> Any:
    """Return a request above the limit of its RPC, but not above that of gRPC."""
    request = client.request("SearchByKeyword", {"keyword": "shirt"})
    request.MergeFromString(b"\xfa\x3f\x80\x80\xc0\x02" + bytes(5 * MIB))
    return request


def build_oversized_list(client: RpcClient) -> Any:
    request = client.request("ListReceiveAddresses", {})
    request.MergeFromString(b"\xfa\x3f\x80\x80\x80\x01" + bytes(2 * MIB))
    return request


@contextmanager
def connections(address: str, count: int) -> Iterator[list[grpc.Channel]]:
    options = (("grpc.use_local_subchannel_pool", 1),)
    with ExitStack() as stack:
        yield [stack.enter_context(grpc.insecure_channel(address, options)) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 20], ids=["one connection", "20 connections"])
@pytest.mark.parametrize(
    ("service", "rpc", "build"),
    [
        ("product", "product.v1.ProductService/SearchByImage", build_image_search),
        ("product", "product.v1.ProductService/SearchByKeyword", build_oversized_search),
        ("order_sync", "ordersync.v1.OrderSyncService/ListReceiveAddresses", build_oversized_list),
    ],
    ids=["images", "above the limit of the RPC", "order sync"],
)
def test_large_requests_at_once(
    start_dedicated: StartDedicated, service: str, rpc: str, build: Callable[[RpcClient], Any], count: int
) -> None:
    process, client = start_dedicated(service, "open-platform")
    payload = build(client).SerializeToString()
    with connections(process.address, count) as channels:
        calls = [
            channel.unary_unary(f"/nationalsite.{rpc}").future(payload, timeout=TIMEOUT_S)
            for channel, _ in zip(cycle(channels), range(CALLS), strict=False)
        ]
        codes = {call.code() for call in calls}
    peak = read_peak_bytes(process.process.pid) / MIB
    assert codes <= {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
    assert peak < SERVICE_MIB[service]
